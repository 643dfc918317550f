"""What this machine's finished jobs taught about the next ones."""

from __future__ import annotations

from django.db import models


class LearnedEstimate(models.Model):
    """One model of one way of an operation (`gif/size`, `compress-av1/seconds-looked`), as `engine.learning` writes it.

    There are at most four rows for each way, however many jobs there were. A row holds weights of features such as bits
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


class SourceLook(models.Model):
    """What a look at some content has shown (`engine.look`): numbers such as bits for each pixel, by the content's hash.

    Whoever sends the same bytes again needs no second look. `data` is empty where there was nothing to see. Deleting a row
    makes estimates of that content rougher, until it is looked at again.
    """

    sha256 = models.CharField(max_length=64, primary_key=True)
    data = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return self.sha256[:12]
