"""What the project pages read from people; bounds are the services' business."""

from __future__ import annotations

from typing import Any

from django import forms

from converter.engine.timecode import parse_time


class TimeField(forms.CharField):
    """Seconds, typed as `62.5` or `1:02.5`; empty is None where the field is not required."""

    def clean(self, value: Any) -> float | None:
        """Raises `MediaError("bad_parameter")` for what is not a time."""
        text = super().clean(value)
        return parse_time(text, field=str(self.label)) if text else None


class ProjectForm(forms.Form):
    """Name and frame of a project."""

    name = forms.CharField(max_length=200)
    width = forms.IntegerField(initial=1280, help_text="pixels")
    height = forms.IntegerField(initial=720, help_text="pixels")
    fps = forms.FloatField(initial=30, label="Frames per second")


class ClipForm(forms.Form):
    """The ends of a clip in its upload."""

    start = TimeField(label="start", required=False, max_length=20)
    end = TimeField(label="end", required=False, max_length=20)
