"""Writing the trail, sealing it into a chain of hashes, and checking that chain."""

from __future__ import annotations

from django.db import models, transaction
from django.utils import timezone

from .chain import Broken, Verdict, check, seal_batch
from .context import Actor, current_actor
from .models import AuditEntry
from .plain import text, value

__all__ = ["Broken", "Verdict", "record", "seal", "verify"]

SEAL_BATCH = 500
"""Entries sealed in one transaction: few enough not to hold writers up after a crash left many."""


def record(action: str, target: models.Model | tuple[str, str, str], *, actor: Actor | None = None, **data: object) -> None:
    """Write one entry in the mutation's own transaction: both are kept, or neither.

    `action` reads `upload.created`; `target` is the object, or its type, id and text where there
    is no row. `data` is kept as JSON: numbers, texts, lists and dictionaries as they are, anything
    else as its text. Never pass secrets. The entry joins the chain once the transaction has
    committed; should that step be lost in a crash, the next one mends it.
    """
    actor = actor or current_actor()
    kind, key, shown = target if isinstance(target, tuple) else (target._meta.model_name or "", str(target.pk), str(target))
    AuditEntry.objects.create(
        at=timezone.now(),
        actor=text(actor.name, 120),
        address=text(actor.address, 45),
        action=text(action, 60),
        target_type=text(kind, 40),
        target_id=text(key, 40),
        target=text(shown, 255),
        request_id=text(actor.request_id, 64),
        data=value(data),
    )
    # Sealing never undoes what was committed: a failure is logged, and the next seal takes over.
    transaction.on_commit(_seal_after_commit, robust=True)


def seal() -> int:
    """Give every entry that has none its place in the chain; returns how many. Call it outside of transactions.

    The place is given after the mutation's commit, in a transaction that locks nothing but the
    chain's head, so mutations never wait for each other because of their trail.

    Raises `chain.Broken` when the head itself was taken away.
    """
    sealed = 0
    while AuditEntry.objects.filter(sequence__isnull=True, digest="").exists():
        batch = seal_batch(SEAL_BATCH)
        sealed += batch
        if batch < SEAL_BATCH:
            break
    return sealed


def verify() -> Verdict:
    """Seal what is waiting, then walk the whole chain and name the first place where it is broken.

    Memory stays constant. What was done between a commit and its seal (microseconds, or a crash)
    leaves no trace that could be checked; everything sealed is covered, its end included.
    """
    return check(seal)


def _seal_after_commit() -> None:
    seal()
