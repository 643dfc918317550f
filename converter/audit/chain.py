"""The chain: each sealed entry's digest covers its content, its place and the digest before it.

    digest(n) = SHA-256(canonical JSON of entry n, with sequence n and digest(n - 1))

`ChainHead` remembers how far the chain goes, so that an end that was cut off shows too. Who can
rewrite every row and the head can forge a whole chain: keep the digest that `audit verify` prints
somewhere else, and compare it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from django.db import transaction

from converter.engine.faultpoints import reach

from .models import AuditEntry, ChainHead

START = "0" * 64
"""What stands before the first entry."""

PAGE = 1000
"""Entries held in memory while walking."""

NO_HEAD = "the chain's head was taken away"


class Broken(Exception):
    """The chain cannot be continued as it stands."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk along the chain found.

    `entries` is the number of the last one found sound, `digest` is its digest, `base` the last one that retention let go.
    When `problem` is not empty, `sequence` is the place where the chain breaks and `entry_id` the row there, if there is one.
    """

    entries: int
    digest: str
    problem: str = ""
    sequence: int | None = None
    entry_id: int | None = None
    base: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing was changed, removed or moved."""
        return not self.problem

    def __str__(self) -> str:
        if self.sound:
            since = f", from entry {self.base + 1} on" if self.base else ""
            return f"audit trail sound: {self.entries - self.base} entries, head {self.digest}{since}"
        row = f" (row {self.entry_id})" if self.entry_id else ""
        return f"audit trail broken at entry {self.sequence}{row}: {self.problem}"


def digest(entry: AuditEntry) -> str:
    """SHA-256 over everything an entry says, its sequence number and the digest before it."""
    content = {
        "sequence": entry.sequence,
        "previous": entry.previous,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "address": entry.address,
        "action": entry.action,
        "target_type": entry.target_type,
        "target_id": entry.target_id,
        "target": entry.target,
        "request_id": entry.request_id,
        "data": entry.data,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def seal_batch(most: int) -> int:
    """Seal up to `most` waiting entries in one transaction that locks only the head. Returns how many."""
    with transaction.atomic():
        head = locked_head()
        # In the order of ids, as they stand when the lock is ours: what commits later comes later.
        waiting = list(AuditEntry.objects.filter(sequence__isnull=True, digest="").order_by("id")[:most])
        for entry in waiting:
            entry.sequence, entry.previous = head.sequence + 1, head.digest
            entry.digest = digest(entry)
            head.sequence, head.digest = entry.sequence, entry.digest
        reach("audit.seal")
        if waiting:
            # One by one: it is mostly a single one, for which a bulk update takes longer to write than to run.
            for entry in waiting:
                AuditEntry.objects.filter(pk=entry.pk).update(sequence=entry.sequence, previous=entry.previous, digest=entry.digest)
            head.save(update_fields=["sequence", "digest"])
    reach("audit.sealed")
    return len(waiting)


def check(seal: Callable[[], int]) -> Verdict:
    """Seal with `seal`, then walk from the first entry to the head, page by page.

    Pages instead of one long cursor: on SQLite that would keep the write-ahead log from being
    folded in. Entries that are sealed meanwhile are walked too.
    """
    try:
        seal()
    except Broken as error:
        return Verdict(0, START, str(error), 0)
    while True:
        base = _base()
        verdict = _walk(base)
        # Retention may have let entries go under the walk's feet: then it begins anew where the chain begins now.
        if verdict.sound or _base() == base:
            return verdict


def _base() -> Verdict:
    """Where the chain begins."""
    head = ChainHead.objects.filter(pk=1).first()
    return Verdict(head.base_sequence, head.base_digest, base=head.base_sequence) if head else Verdict(0, START)


def _walk(verdict: Verdict) -> Verdict:
    while True:
        page = _following(verdict)
        for entry in page:
            verdict = _step(verdict, entry)
            if not verdict.sound:
                return verdict
        # The head is read after the rows: what it names and is not there was cut off, unless it was sealed just now.
        head = ChainHead.objects.filter(pk=1).first()
        if not _following(verdict):
            return _end(verdict, head)


def _end(verdict: Verdict, head: ChainHead | None) -> Verdict:
    if head is None:
        if not verdict.entries:
            return verdict
        return _broken(verdict, NO_HEAD)
    if head.sequence > verdict.entries:
        return _broken(verdict, f"missing; the end was cut off, the chain goes to entry {head.sequence}")
    if (head.sequence, head.digest) != (verdict.entries, verdict.digest):
        return _broken(verdict, "the chain's head was changed")
    if head.base_sequence and not _trimmed(head):
        return _broken(verdict, f"the beginning up to entry {head.base_sequence} is missing, and the chain does not say that it was let go")
    loose = AuditEntry.objects.filter(sequence__isnull=True).exclude(digest="").first()
    if loose is not None:
        return _broken(verdict, "the entry was sealed before and lost its place", loose.pk)
    return verdict


def _step(verdict: Verdict, entry: AuditEntry) -> Verdict:
    expected = verdict.entries + 1
    if entry.sequence != expected:
        return _broken(verdict, "missing")
    if entry.previous != verdict.digest:
        return _broken(verdict, "out of order, or the entry before it was replaced", entry.pk)
    if entry.digest != digest(entry):
        return _broken(verdict, "changed", entry.pk)
    return Verdict(expected, entry.digest, base=verdict.base)


def _broken(verdict: Verdict, problem: str, entry_id: int | None = None) -> Verdict:
    return Verdict(verdict.entries, verdict.digest, problem, verdict.entries + 1, entry_id, verdict.base)


def _trimmed(head: ChainHead) -> bool:
    """Whether an entry within the chain says that retention let the beginning go, up to where the head says."""
    said = AuditEntry.objects.filter(action="audit.trimmed", target_id=str(head.base_sequence)).order_by("-id").first()
    return said is not None and said.data.get("digest") == head.base_digest


def _following(verdict: Verdict) -> list[AuditEntry]:
    """The next page of sealed entries after those found sound; a false first number shows as `missing`."""
    sealed = AuditEntry.objects.filter(sequence__isnull=False)
    return list((sealed.filter(sequence__gt=verdict.entries) if verdict.entries else sealed).order_by("sequence")[:PAGE])


def locked_head() -> ChainHead:
    """The head under a lock that ends with the transaction. Raises `Broken`."""
    head = ChainHead.objects.select_for_update().filter(pk=1).first()
    if head is not None:
        return head
    if AuditEntry.objects.filter(sequence__isnull=False).exists():
        raise Broken(NO_HEAD)
    ChainHead.objects.get_or_create(pk=1)
    return ChainHead.objects.select_for_update().get(pk=1)
