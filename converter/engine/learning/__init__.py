"""Estimates that learn: what this machine's finished jobs say about the next one. No Django, no numpy.

`shipped()` is what a new installation knows, learned from the benchmark's clips; `Book.learn` adds a finished
job, and `Book.refine` narrows a plan's size and time to what jobs like it turned out to be.
"""

from .book import Book, likely, shipped
from .facts import Facts, facts
from .model import Model

__all__ = ["Book", "Facts", "Model", "facts", "likely", "shipped"]
