"""Who owns what was made: a signed-in user, or the bearer of an anonymous 256-bit value."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Owner(models.Model):
    """Owns uploads, jobs, exports and projects, and sees nothing else.

    Exactly one of `user` and `token_hash` is set. `token_hash` is the SHA-256 of the random value
    that a browser keeps in a cookie, or an API client sends as `Authorization: Bearer`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="owner")
    token_hash = models.CharField(max_length=64, null=True, blank=True, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    generation = models.PositiveIntegerField(default=0, editable=False, help_text="Raised to end every access and refresh token of the account.")
    merged_into = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="merged", editable=False)
    merged_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, token_hash__isnull=True) | models.Q(user__isnull=True, token_hash__isnull=False),
                name="owner_is_user_or_token",
            )
        ]

    def __str__(self) -> str:
        return f"user {self.user}" if self.user_id else f"guest {str(self.id)[:8]}"


class ApiKey(models.Model):
    """A named, scoped token that an account made for a program. Of the token itself only the SHA-256 is kept."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(Owner, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=60)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, editable=False, help_text="How the token begins, to tell it from others.")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class EndedSignIn(models.Model):
    """A sign-in of a program that was ended: every token that came of it, by however many renewals, is good for nothing."""

    family = models.CharField(max_length=32, primary_key=True, help_text="What all of its tokens carry.")
    expires_at = models.DateTimeField(db_index=True, help_text="When the last of them has ended by itself.")

    def __str__(self) -> str:
        return self.family
