"""Short access tokens and rotating refresh tokens of an account (JSON Web Tokens), and what any Bearer stands for.

Both carry a fingerprint of the account's password and generation: a new password, or raising the generation, ends all
of them at once. They also carry the name of the sign-in that they came of, however often they were renewed, so signing out
ends that sign-in's tokens and no others. A refresh token is good for one use; the second use of one means that somebody else
has it, too, and ends everything.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Exists, F
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from converter.audit import services as audit

from . import keys
from .models import ApiKey, EndedSignIn, Owner
from .tokens import hash_token, well_formed

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

FAMILY = "fam"
"""The claim that names the sign-in; its first refresh token's `jti`."""

UNKNOWN = "The refresh token is not good any more; sign in again."


@dataclass(frozen=True, slots=True)
class Credential:
    """Whom a Bearer stands for: `user` is None for guests, `key` is the personal token where it is one."""

    owner: Owner
    user: Any = None
    key: ApiKey | None = None


class Refresh(RefreshToken):
    """A refresh token whose use is judged by `refresh`, and of which only a hash is stored."""

    def check_blacklist(self) -> None:
        """Left to `refresh`, which must tell a token that was used from one that is unknown."""

    @classmethod
    def of(cls, owner: Owner, family: str = "") -> Refresh:
        """A new one for an account; `family` names the sign-in that it renews."""
        token = cls()
        token["user_id"], token["gen"], token[FAMILY] = str(owner.user_id), fingerprint(owner), family or token["jti"]
        OutstandingToken.objects.create(
            user=owner.user,
            jti=token["jti"],
            token=hashlib.sha256(str(token).encode()).hexdigest(),
            created_at=token.current_time,
            expires_at=datetime_from_epoch(token["exp"]),
        )
        return token


def find(token: str) -> Credential | None:
    """What a Bearer stands for; None when it is good for nothing."""
    if token.startswith(keys.PREFIX):
        key = keys.find(token)
        return Credential(key.owner, key.owner.user, key) if key else None
    if well_formed(token):
        guest = Owner.objects.filter(token_hash=hash_token(token)).first()
        return Credential(guest) if guest else None
    if token.count(".") == 2 and len(token) < 2000:
        try:
            owner = _owner(AccessToken(token))  # type: ignore[arg-type]
        except TokenError:
            return None
        return Credential(owner, owner.user) if owner else None
    return None


def issue(owner: Owner, family: str = "") -> dict[str, Any]:
    """A fresh pair for an account: `access`, `refresh` and the seconds that the access token lasts; `family` as in `Refresh.of`."""
    token = Refresh.of(owner, family)
    lifetime: Any = settings.SIMPLE_JWT["ACCESS_TOKEN_LIFETIME"]
    return {"access": str(token.access_token), "refresh": str(token), "expires_in": int(lifetime.total_seconds())}


def sign_in(owner: Owner) -> dict[str, Any]:
    """The first pair, for somebody who has just shown a password."""
    with transaction.atomic():
        pair = issue(owner)
        audit.record("tokens.issued", owner)
    return pair


def refresh(raw: str) -> dict[str, Any]:
    """A new pair for a refresh token, which is used up by it. Raises `AuthenticationFailed`.

    A second use ends all of the account's tokens: either the first or the second user is a thief.
    """
    with transaction.atomic():
        token, owner = _opened(raw)
        if _use_up(token):
            return issue(owner, _family(token))
        end_all(owner, "a refresh token was used twice")
    raise AuthenticationFailed("This refresh token was used before, so all tokens of the account were ended; sign in again.")


def forget(raw: str) -> None:
    """Sign out: end every access and refresh token of the sign-in that this refresh token belongs to. Raises `AuthenticationFailed`."""
    lifetime: Any = settings.SIMPLE_JWT["REFRESH_TOKEN_LIFETIME"]
    with transaction.atomic():
        token, owner = _opened(raw)
        _use_up(token)
        if EndedSignIn.objects.get_or_create(family=_family(token), defaults={"expires_at": timezone.now() + lifetime})[1]:
            audit.record("tokens.ended", owner, reason="signed out")


def forget_ended() -> int:
    """Delete what remembers sign-ins whose tokens have all ended by themselves. Returns how many."""
    return int(EndedSignIn.objects.filter(expires_at__lt=timezone.now()).delete()[0])


def end_all(owner: Owner, reason: str) -> None:
    """End every access and refresh token of an account at once; personal tokens are revoked one by one, by their names."""
    with transaction.atomic():
        Owner.objects.filter(pk=owner.pk).update(generation=F("generation") + 1)
        audit.record("tokens.ended", owner, reason=reason)


def fingerprint(owner: Owner) -> str:
    """Changes with the password and the generation, and says nothing about either."""
    secret = f"{owner.generation}:{owner.user.password if owner.user else ''}"
    return salted_hmac("converter.owners.bearers", secret, algorithm="sha256").hexdigest()[:32]


def _opened(raw: str) -> tuple[Refresh, Owner]:
    try:
        token = Refresh(raw)  # type: ignore[arg-type]
    except TokenError as error:
        raise AuthenticationFailed(UNKNOWN) from error
    owner = _owner(token)
    if owner is None:
        raise AuthenticationFailed(UNKNOWN)
    return token, owner


def _owner(token: Any) -> Owner | None:
    """The active account whose token this is, unless its sign-in or all of the account's were ended."""
    user: type[AbstractBaseUser] = get_user_model()
    try:
        key = user._meta.pk.to_python(token.get("user_id"))
    except (TypeError, ValueError):
        return None
    if key is None:
        return None
    ended = EndedSignIn.objects.filter(family=_family(token))
    owner = Owner.objects.select_related("user").filter(~Exists(ended), user_id=key, user__is_active=True).first()
    return owner if owner is not None and token.get("gen") == fingerprint(owner) else None


def _family(token: Any) -> str:
    """Whom a token belongs with. One from before sign-ins had names stands for itself."""
    return str(token.get(FAMILY) or token["jti"])


def _use_up(token: Refresh) -> bool:
    """Whether this was the first use."""
    row = OutstandingToken.objects.filter(jti=token["jti"]).first()
    if row is None:
        raise AuthenticationFailed(UNKNOWN)
    return BlacklistedToken.objects.get_or_create(token=row)[1]
