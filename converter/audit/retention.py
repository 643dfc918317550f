"""Letting old entries go, from the beginning of the chain only, so that what stays can still be verified.

The head remembers the last entry that went (its number and digest): the chain is walked from there. An entry within the
chain says the same, so that a beginning that was cut off in any other way shows.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from . import chain, services
from .models import AuditEntry, ChainHead

MOST = 20_000
"""Entries that go in one transaction."""


def trim(before: datetime) -> int:
    """Let the entries go that were written before a moment, up to the first that was not; returns how many. Raises `chain.Broken`."""
    removed = 0
    while batch := _trim_batch(before):
        removed += batch
    return removed


def _trim_batch(before: datetime) -> int:
    with transaction.atomic():
        head = chain.locked_head()
        sealed = AuditEntry.objects.filter(sequence__gt=head.base_sequence)
        kept = sealed.filter(at__gte=before).order_by("sequence").values_list("sequence", flat=True).first()
        through = min((kept or head.sequence + 1) - 1, head.base_sequence + MOST)
        last = AuditEntry.objects.filter(sequence=through).first()
        if last is None or through <= head.base_sequence:
            return 0
        removed = AuditEntry.objects.filter(sequence__lte=through).delete()[0]
        ChainHead.objects.filter(pk=head.pk).update(base_sequence=through, base_digest=last.digest)
        services.record("audit.trimmed", ("audit", str(through), f"entries up to {through}"), through=through, digest=last.digest, removed=removed)
    return removed
