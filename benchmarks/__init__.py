"""Measurements of Cutroom beside its peers, on real clips: `python -m benchmarks`.

Each module of `rows/` is one measurement with the same two names, `TITLE` and `run(bench)`; being
there is being in the benchmark. CPU seconds (user and system, of whole process trees) are what is
compared: on a shared machine wall time is noise.
"""
