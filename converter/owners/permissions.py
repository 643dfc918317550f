"""Who may use what is for staff."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from . import totp


class IsStaff(BasePermission):
    """Staff; a session has shown the second factor where one is asked for. Tokens showed it when they were made."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether to go on."""
        user = request.user
        if user is None or not user.is_authenticated or not getattr(user, "is_staff", False):
            return False
        return request.auth is not None or totp.satisfied(user)
