"""What is known for estimating an operation's jobs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from converter.engine import learning
from converter.engine.learning.book import keys
from converter.engine.media import Media
from converter.engine.operations.base import Plan
from converter.engine.seen import Look

from .models import LearnedEstimate, SourceLook

logger = logging.getLogger(__name__)


def book(plan: Plan) -> learning.Book:
    """The models for one plan: this machine's own, or what is shipped where it has none."""
    names = keys(plan)
    known = learning.shipped(names)
    for name, data in LearnedEstimate.objects.filter(pk__in=names).values_list("name", "data"):
        model = read(name, data)
        if model is not None:
            known.models[name] = model
    return known


def read(name: str, data: Mapping[str, Any]) -> learning.Model | None:
    """A stored model; None where another version wrote what can't be read any more."""
    try:
        return learning.Model.from_dict(data)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        logger.warning("the learned estimate %s can't be read (%s); what is shipped holds", name, error)
        return None


def with_looks(media: Sequence[Media], hashes: Sequence[str]) -> tuple[Media, ...]:
    """The media with what was seen of their content, as far as anybody looked. `hashes` are theirs, in the same order."""
    looks: dict[str, Look] = {}
    for sha256, data in SourceLook.objects.filter(pk__in=set(hashes)).exclude(data={}).values_list("sha256", "data"):
        try:
            looks[sha256] = Look.from_dict(data)
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("a look can't be read (%s); estimates do without it", error)
    return tuple(replace(item, look=looks.get(sha256)) for item, sha256 in zip(media, hashes, strict=True))


def unseen(hashes: Sequence[str]) -> set[str]:
    """Those contents that nobody has looked at."""
    return set(hashes) - set(SourceLook.objects.filter(pk__in=set(hashes)).values_list("sha256", flat=True))
