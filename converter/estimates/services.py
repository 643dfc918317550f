"""Using and adding to what this machine knows about its jobs. Nothing here may ever harm a job."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F

from converter.engine import learning
from converter.engine import run as engine
from converter.engine.errors import MediaError
from converter.engine.learning.book import keys
from converter.engine.media import Media
from converter.engine.operations.base import Plan

from . import selectors
from .models import LearnedEstimate

logger = logging.getLogger(__name__)


def refine(plan: Plan, media: Sequence[Media]) -> Plan:
    """The plan with sizes and seconds as this machine's jobs turned out; the plan itself where that can't be told."""
    try:
        return selectors.book(plan.operation).refine(plan, tuple(media))
    except (DatabaseError, ArithmeticError, ValueError) as error:
        logger.warning("no learned estimate for %s: %s", plan.operation, error)
        return plan


def learn(operation: str, params: Mapping[str, Any], media: Sequence[Media], size: int, cpu_seconds: float) -> bool:
    """Learn from a finished job: `size` in bytes, `cpu_seconds` of its tools. False when that was not possible; it is never an error.

    Planned anew, because work may settle its plan on the way and a quote knows only the first. Two workers take turns by a
    lock on the rows.
    """
    try:
        plan = engine.plan(operation, media, params)
        with transaction.atomic():
            _learn(plan, tuple(media), size, cpu_seconds)
    except (DatabaseError, MediaError, ArithmeticError, ValueError) as error:
        logger.warning("nothing learned from a job of %s: %s", operation, error)
        return False
    return True


def _learn(plan: Plan, media: tuple[Media, ...], size: int, cpu_seconds: float) -> None:
    shipped = learning.shipped()
    for name in keys(plan.operation):
        start = shipped.models.get(name, learning.Model())
        LearnedEstimate.objects.get_or_create(pk=name, defaults={"data": start.as_dict()})
    rows = {row.name: row for row in LearnedEstimate.objects.select_for_update().filter(pk__in=keys(plan.operation)).order_by("pk")}
    known = {name: selectors.read(name, row.data) or shipped.models.get(name, learning.Model()) for name, row in rows.items()}
    book = learning.Book(known)
    book.learn(plan, media, size, cpu_seconds)
    for name in rows:
        LearnedEstimate.objects.filter(pk=name).update(data=book.models[name].as_dict(), jobs=F("jobs") + 1)
