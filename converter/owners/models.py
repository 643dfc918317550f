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

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, token_hash__isnull=True) | models.Q(user__isnull=True, token_hash__isnull=False),
                name="owner_is_user_or_token",
            )
        ]

    def __str__(self) -> str:
        return f"user {self.user}" if self.user_id else f"guest {str(self.id)[:8]}"
