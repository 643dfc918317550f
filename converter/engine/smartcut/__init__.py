"""Cutting compressed pictures: whole groups are copied, only what a cut goes through is encoded.

`child.py` runs alone in the sandbox and is the only part that touches the source; `cutting.py` starts it.
"""
