"""Limits on how often somebody may ask, counted in the shared cache."""

from __future__ import annotations

import logging
import math
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from converter.audit.address import client_network

logger = logging.getLogger(__name__)


def limit(request: HttpRequest, scope: str, key: str) -> None:
    """Count this request under `key`. Raises `Throttled` (429 with Retry-After) beyond the scope's rate.

    Rates stand in `DEFAULT_THROTTLE_RATES` (`30/hour`). While the cache is away nothing is limited:
    sizes and owners do not depend on it.
    """
    options: dict[str, Any] = settings.REST_FRAMEWORK
    rate = options.get("DEFAULT_THROTTLE_RATES", {}).get(scope)
    if not rate:
        return
    try:
        usage = get_usage(request, group=f"cutroom:{scope}", key=lambda *_: key, rate=rate, increment=True)
    except RedisError:
        logger.warning("the cache is away, so the rate limit %s is not kept", scope)
        return
    if usage is not None and usage["should_limit"]:
        raise Throttled(wait=max(usage["time_left"], 1))


def retry_after(refusal: Throttled) -> str:
    """The header that says when to come again, in whole seconds."""
    return str(math.ceil(getattr(refusal, "wait", None) or 1))


def limit_owner(request: HttpRequest) -> None:
    """Count a request under whoever makes it, and under the address it comes from. Raises `Throttled`."""
    owner = getattr(request, "owner", None)
    if owner is not None:
        limit(request, "owner", str(owner.pk))
    limit(request, "address", client_network(request))


class ApiThrottle(BaseThrottle):
    """The API's limits by owner and by address, counted where the site's are."""

    def allow_request(self, request: Request, view: Any) -> bool:
        """True, or `Throttled` with the seconds to wait."""
        limit_owner(request._request)
        return True
