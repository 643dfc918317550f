"""`manage.py faults`: a whole Cutroom in a private directory is broken on purpose, and must come out right.

`stack` runs the real processes, `client` does what people do, `kills`, `outages` and `races` break things in between, and
`invariants` says what must hold whatever happened. `engine/faultpoints.py` names the places where a process can be killed.
"""
