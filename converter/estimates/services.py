"""Using and adding to what this machine knows about its jobs. Nothing here may ever harm a job."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F

from converter.engine import learning
from converter.engine import run as engine
from converter.engine.errors import MediaError
from converter.engine.look import look
from converter.engine.media import Media
from converter.engine.operations.base import Plan
from converter.engine.workbench import Source

from . import selectors
from .models import LearnedEstimate, SourceLook

logger = logging.getLogger(__name__)


LOOK_DAYS = 60
"""How long a look is kept; what is still there then is looked at again."""


def refine(plan: Plan, media: Sequence[Media], hashes: Sequence[str] = ()) -> Plan:
    """The plan with sizes and seconds as this machine's jobs turned out; the plan itself where that can't be told.

    With the `hashes` of the media's contents, what was seen of them counts too.
    """
    try:
        seen = selectors.with_looks(media, hashes) if hashes else tuple(media)
        return selectors.book(plan).refine(plan, seen)
    except (DatabaseError, ArithmeticError, ValueError) as error:
        logger.warning("no learned estimate for %s: %s", plan.operation, error)
        return plan


def look_at(sha256: str, source: Source, work: Path) -> bool:
    """Look at a content that nobody has looked at yet, in a private directory beneath `work`; whether that was done now.

    Raises `MediaError("gone")`.
    """
    if not selectors.unseen([sha256]):
        return False
    found = look(source, work)
    # Two that come at once see the same.
    SourceLook.objects.get_or_create(pk=sha256, defaults={"data": found.as_dict() if found else {}})
    return True


def forget_looks(now: datetime) -> int:
    """Let go of looks that are old; how many went."""
    return SourceLook.objects.filter(created_at__lt=now - timedelta(days=LOOK_DAYS)).delete()[0]


def learn(operation: str, params: Mapping[str, Any], media: Sequence[Media], size: int, cpu_seconds: float, hashes: Sequence[str] = ()) -> bool:
    """Learn from a finished job: `size` in bytes, `cpu_seconds` of its tools. False when that was not possible; it is never an error.

    Planned anew, because work may settle its plan on the way and a quote knows only the first. Two workers take turns by a
    lock on the rows.
    """
    try:
        plan = engine.plan(operation, media, params)
        seen = selectors.with_looks(media, hashes) if hashes else tuple(media)
        with transaction.atomic():
            _learn(plan, seen, size, cpu_seconds)
    except (DatabaseError, MediaError, ArithmeticError, ValueError) as error:
        logger.warning("nothing learned from a job of %s: %s", operation, error)
        return False
    return True


def _learn(plan: Plan, media: tuple[Media, ...], size: int, cpu_seconds: float) -> None:
    # Which models a job teaches depends on whether its source was looked at.
    taught = learning.Book()
    taught.learn(plan, media, size, cpu_seconds)
    names = sorted(taught.models)
    shipped = learning.shipped(names)
    for name in names:
        start = shipped.models.get(name, learning.Model())
        LearnedEstimate.objects.get_or_create(pk=name, defaults={"data": start.as_dict()})
    rows = {row.name: row for row in LearnedEstimate.objects.select_for_update().filter(pk__in=names).order_by("pk")}
    known = {name: selectors.read(name, row.data) or shipped.models.get(name, learning.Model()) for name, row in rows.items()}
    book = learning.Book(known)
    book.learn(plan, media, size, cpu_seconds)
    for name in rows:
        LearnedEstimate.objects.filter(pk=name).update(data=book.models[name].as_dict(), jobs=F("jobs") + 1)
