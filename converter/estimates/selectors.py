"""What is known for estimating an operation's jobs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from converter.engine import learning
from converter.engine.learning.book import keys

from .models import LearnedEstimate

logger = logging.getLogger(__name__)


def book(operation: str) -> learning.Book:
    """The models of one operation: this machine's own, or what is shipped where it has none."""
    known = learning.shipped()
    for name, data in LearnedEstimate.objects.filter(pk__in=keys(operation)).values_list("name", "data"):
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
