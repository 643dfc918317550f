"""Starts Cutroom's processes, keeps them alive and stops them all; `python -m config.supervisor`.

Standard library and `config.env` only: it stays small, and it still stands when the site does not load.
"""
