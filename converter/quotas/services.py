"""Refusing what would go beyond an owner's quotas, one request after another."""

from __future__ import annotations

import math
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from converter.engine.errors import MediaError
from converter.engine.limits import megabytes
from converter.owners.models import Owner

from . import selectors
from .selectors import Measure


def admit_bytes(owner: Owner, size: int) -> None:
    """Refuse `size` more bytes that do not fit. Raises `MediaError("quota_exceeded")`.

    Asked before bytes are taken, it spares the sending; asked again after `hold` in the transaction that writes the row, it decides.
    """
    measure = selectors.stored(owner)
    if size <= measure.left:
        return
    facts = {"used": megabytes(int(measure.used)), "limit": megabytes(int(measure.limit or 0))}
    sentence = _("You store %(used)s of the %(limit)s that you may, and this needs more than is left.") % facts
    raise _refusal("quota_exceeded", sentence, measure.frees_at, _("The oldest file is cleaned up on %(when)s."))


def admit_job(owner: Owner) -> None:
    """Refuse one more job of somebody whose quotas are used up. Call it after `hold`. Raises `MediaError`: `quota_exceeded`, `rate_limited`."""
    stored, unfinished, worked = selectors.stored(owner), selectors.unfinished(owner), selectors.worked(owner)
    if unfinished.left < 1:
        sentence = _("%(used)d of your jobs wait or run, and %(limit)d may at a time; one is free when the next of them ends.")
        raise _refusal("rate_limited", sentence % {"used": unfinished.used, "limit": unfinished.limit}, None, "")
    if worked.left <= 0:
        facts = {"used": _seconds(worked), "limit": math.floor(worked.limit or 0)}
        sentence = _("Your jobs used %(used)d of the %(limit)d CPU seconds that they may in 24 hours.") % facts
        raise _refusal("quota_exceeded", sentence, worked.frees_at, _("Some are free again on %(when)s."))
    if stored.left <= 0:
        admit_bytes(owner, 1)


def hold(owner: Owner) -> None:
    """Let no other transaction count or spend this owner's quotas until this one ends."""
    # Without the key: rows that only point at the owner may be written meanwhile.
    Owner.objects.select_for_update(no_key=True).filter(pk=owner.pk).first()


def _seconds(measure: Measure) -> int:
    return math.ceil(measure.used)


def _refusal(code: str, sentence: str, frees_at: datetime | None, after: str) -> MediaError:
    if frees_at is None or frees_at <= timezone.now():
        return MediaError(code, sentence)
    when = f"{frees_at:%Y-%m-%d %H:%M} UTC"
    error = MediaError(code, f"{sentence} {after % {'when': when}}")
    error.headers = {"Retry-After": str(math.ceil((frees_at - timezone.now()).total_seconds()))}  # type: ignore[attr-defined]  # problems sends it
    return error
