"""The process that writes GIFs: `child.py` is started as a script in the sandbox, and calls a shared library made by `..compiled`.

Only the standard library is imported here, and little of it, because every GIF pays for its child's start. `..encoder` is the part
that belongs to the parent. The reasoning behind the numbers is in docs/engine.md.
"""
