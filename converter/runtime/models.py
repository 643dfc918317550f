"""Settings that an operator changes while the machine runs."""

from __future__ import annotations

from django.db import models


class RuntimeSetting(models.Model):
    """One value that differs from its default; `registry.py` knows every key, its type and bounds."""

    key = models.CharField(max_length=60, primary_key=True)
    value = models.JSONField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.key} = {self.value}"
