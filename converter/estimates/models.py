"""What this machine's finished jobs taught about the next ones."""

from __future__ import annotations

from django.db import models


class LearnedEstimate(models.Model):
    """One model of one operation (`gif/size`, `gif/seconds`), as `engine.learning` writes it.

    There are two rows for an operation, however many jobs there were. A row holds weights of features such as bits
    for each pixel, and nothing of any person's media. Deleting it returns to what is shipped.
    """

    name = models.CharField(max_length=60, primary_key=True)
    data = models.JSONField()
    jobs = models.PositiveBigIntegerField(default=0, help_text="Finished jobs that were learned from.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
