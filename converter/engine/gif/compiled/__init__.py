"""Our own GIF encoder's inner loops, in the part of Python that Numba compiles.

Nothing here runs while a GIF is made, and no process but `..warm` imports it: it becomes one shared
library (`emit.py`, `link.py`) that `..kernel`, which needs neither numpy nor numba, calls. The
reasoning behind the numbers is in docs/engine.md.
"""
