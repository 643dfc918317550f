"""Our own GIF encoder, compiled by Numba: colours, decisions over time, and LZW.

Nothing here may be imported by a web or worker process: it imports numpy and numba. `child.py` is
started as a script in the sandbox, and `..encoder` is the part that belongs to the parent. The
reasoning behind the numbers is in docs/engine.md.
"""
