"""One-time rights to download an export: made, taken once, resumed by the taker only."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from converter.audit import services as audit
from converter.engine.errors import MediaError
from converter.engine.faultpoints import reach

from .models import Export, Grant
from .services import require_bytes

State = Literal["available", "used", "expired", "removed"]

TRANSFER_LEASE = timedelta(seconds=15)
"""How long a transfer that went silent keeps its taker from resuming (a server that was killed)."""

UNRECORDED = 16 * 1024 * 1024
"""Most bytes that may have left without standing in `bytes_sent` yet; transfers record more often."""

_SALT = "exports.resume"


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks: the key of address and program, and the proof a taker was given as a cookie."""

    key: str
    proof: str = ""

    @classmethod
    def of(cls, address: str, agent: str, proof: str = "") -> Client:
        """From the network address, the User-Agent and the cookie, none of which is stored as it is."""
        return cls(hashlib.sha256(f"{address}\n{agent}".encode()).hexdigest(), proof)

    def took(self, grant: Grant) -> bool:
        """Whether this is the client that used the grant: by its cookie, else by its address and program."""
        if not grant.used_by:
            return False
        return constant_time_compare(self.key, grant.used_by) or (bool(self.proof) and constant_time_compare(self.proof, resume_proof(grant)))


def resume_proof(grant: Grant) -> str:
    """The cookie value that shows who took the grant, also after its address changed."""
    return signing.Signer(salt=_SALT).signature(f"{grant.pk}:{grant.used_by}")


def create_grant(export: Export) -> tuple[Grant, str]:
    """Give a one-time right to the export: the row and the token, which is kept nowhere.

    Raises `MediaError("gone")` when the bytes were cleaned up.
    """
    require_bytes(export)
    token = secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(seconds=settings.GRANT_SECONDS)
    with transaction.atomic():
        grant = Grant.objects.create(export=export, token_hash=_hash(token), expires_at=expires_at)
        # An export that waits to be released after a completed download is wanted once more.
        Export.objects.filter(pk=export.pk, release_at__lt=expires_at).update(release_at=expires_at)
        audit.record("grant.created", grant, export=str(export.pk), expires_at=expires_at.isoformat())
    return grant, token


def find(token: str) -> Grant:
    """The grant of a token. Raises `MediaError("not_found")`."""
    try:
        return Grant.objects.select_related("export").get(token_hash=_hash(token))
    except Grant.DoesNotExist:
        raise MediaError("not_found", "There is no such download link.") from None


def state(grant: Grant) -> State:
    """What can be said about a grant to somebody who looks at it."""
    if grant.used_at is not None:
        return "used"
    if grant.expires_at <= timezone.now():
        return "expired"
    return "removed" if grant.export.gone else "available"


def take(token: str, client: Client, start: int | None = None) -> tuple[Grant, bool]:
    """Use the grant, or resume its broken transfer from byte `start`; exactly one taker ever wins.

    Returns the grant and whether this is a resume.

    The first taker wins by one compare-and-swap UPDATE and begins at 0, whatever `start` says.
    Afterwards only the same client may come back, with a `start` that is not past what was sent,
    one transfer at a time, until it has completed once or the grant expires.

    Raises `MediaError`: `not_found`, `gone` (used, expired, or the bytes were cleaned up),
    `conflict` (the taker's own transfer still runs).
    """
    grant = find(token)
    require_bytes(grant.export)
    if grant.used_at is None and _use(grant, client):
        grant.refresh_from_db(fields=["used_at", "used_by", "busy_until"])
        return grant, False
    grant.refresh_from_db()
    if start is None or not may_resume(grant, client, start) or not _resume(grant, start):
        if start is not None and may_resume(grant, client, start):
            raise MediaError("conflict", "A transfer with this link is still running; try again in a few seconds.")
        raise refusal(grant)
    return grant, True


def _use(grant: Grant, client: Client) -> bool:
    now = timezone.now()
    with transaction.atomic():
        won = Grant.objects.filter(pk=grant.pk, used_at=None, expires_at__gt=now).update(
            used_at=now, used_by=client.key, busy_until=now + TRANSFER_LEASE
        )
        if won:
            audit.record("grant.used", grant, export=str(grant.export_id), size=grant.export.size)
            reach("grant.row")
    reach("grant.used")
    return bool(won)


def may_resume(grant: Grant, client: Client, start: int) -> bool:
    """Whether this client may continue from `start`, apart from a transfer that still runs."""
    over = grant.completed_at is not None or grant.expires_at <= timezone.now()
    # A transfer that ended in order said exactly how far it came; a killed server could not.
    slack = UNRECORDED if grant.busy_until else 0
    return client.took(grant) and not over and 0 <= start <= grant.bytes_sent + slack


def _resume(grant: Grant, start: int) -> bool:
    now = timezone.now()
    with transaction.atomic():
        resumed = (
            Grant.objects.filter(pk=grant.pk, completed_at=None, expires_at__gt=now)
            .filter(Q(busy_until=None, bytes_sent__gte=start) | Q(busy_until__lte=now, bytes_sent__gte=start - UNRECORDED))
            .update(busy_until=now + TRANSFER_LEASE)
        )
        if resumed:
            audit.record("grant.resumed", grant, export=str(grant.export_id), start=start)
    return bool(resumed)


def refusal(grant: Grant) -> MediaError:
    """Why a grant cannot be used."""
    why = {"used": "This link was already used; ask for a new one.", "expired": "This link has expired; ask for a new one."}
    return MediaError("gone", why.get(state(grant), "The file was cleaned up; ask for a new link after it was rebuilt."))


def record_progress(grant_id: uuid.UUID, sent_to: int) -> None:
    """Note that a running transfer came to byte `sent_to` of the file, and that it is alive."""
    Grant.objects.filter(pk=grant_id).update(bytes_sent=Greatest(F("bytes_sent"), sent_to), busy_until=timezone.now() + TRANSFER_LEASE)


def record_end(grant: Grant, sent_to: int, *, complete: bool) -> None:
    """Note how a transfer ended: the receipt. `sent_to` counts bytes from the file's beginning.

    After a completed one the export is released when the last of its grants is over.
    """
    now = timezone.now()
    fields: dict[str, datetime] = {"completed_at": now} if complete else {}
    with transaction.atomic():
        Grant.objects.filter(pk=grant.pk).update(bytes_sent=Greatest(F("bytes_sent"), sent_to), busy_until=None, **fields)
        if complete:
            last = Grant.objects.filter(export_id=grant.export_id).aggregate(last=Max("expires_at"))["last"]
            Export.objects.filter(pk=grant.export_id).update(release_at=last)
        action = "grant.completed" if complete else "grant.interrupted"
        audit.record(action, grant, export=str(grant.export_id), bytes=sent_to, size=grant.export.size)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
