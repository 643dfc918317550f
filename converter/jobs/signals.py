"""What upper layers may listen to; jobs know nothing of them."""

from __future__ import annotations

from django.dispatch import Signal

job_finished = Signal()
"""Sent once, after the commit that made a job terminal, with `job`. A receiver that fails is logged and harms nobody."""
