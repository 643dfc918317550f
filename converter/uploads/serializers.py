"""The public shape of an upload (DESIGN.md §4)."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework import serializers

from converter.engine.errors import CODES
from converter.engine.media import KINDS
from converter.sentences import translated

from .models import Upload, UploadStatus


class MediaSerializer(serializers.Serializer[Any]):
    """What a probe found. Seconds, pixels, frames per second, bits per second; null where it does not apply."""

    kind = serializers.ChoiceField(choices=KINDS)
    container = serializers.CharField()
    mime = serializers.CharField()
    duration = serializers.FloatField(allow_null=True)
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    fps = serializers.FloatField(allow_null=True)
    frames = serializers.IntegerField(allow_null=True)
    video_codec = serializers.CharField(allow_null=True)
    rotation = serializers.IntegerField(allow_null=True)
    audio_codec = serializers.CharField(allow_null=True)
    channels = serializers.IntegerField(allow_null=True)
    sample_rate = serializers.IntegerField(allow_null=True)
    bit_rate = serializers.IntegerField(allow_null=True)


class FaultSerializer(serializers.Serializer[Any]):
    """Why something did not work."""

    code = serializers.ChoiceField(choices=sorted(CODES))
    detail = serializers.CharField()


class UploadSerializer(serializers.Serializer[Any]):
    """An upload. The addresses of filmstrip and waveform are null where nothing moves or nothing sounds."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.ChoiceField(choices=UploadStatus.choices)
    size = serializers.IntegerField(help_text="Bytes.")
    sha256 = serializers.CharField()
    media = MediaSerializer(allow_null=True)
    error = FaultSerializer(allow_null=True)
    created_at = serializers.DateTimeField()
    content_url = serializers.CharField()
    filmstrip_url = serializers.CharField(allow_null=True)
    waveform_url = serializers.CharField(allow_null=True)

    def to_representation(self, instance: Upload) -> dict[str, Any]:
        """Built by hand: `media` is computed from the stored probe."""
        media = instance.media if instance.media_data else None
        created: str = serializers.DateTimeField().to_representation(instance.created_at)
        error = {"code": instance.error_code, "detail": translated(instance.error_detail)} if instance.error_code else None
        return {
            "id": str(instance.pk),
            "name": instance.name,
            "status": instance.status,
            "size": instance.size,
            "sha256": instance.sha256,
            "media": media.summary() if media else None,
            "error": error,
            "created_at": created,
            "content_url": reverse("api-upload-content", args=[instance.pk]),
            "filmstrip_url": reverse("api-upload-filmstrip", args=[instance.pk]) if media and media.moving else None,
            "waveform_url": reverse("api-upload-waveform", args=[instance.pk]) if media and media.audio else None,
        }


class UploadRequestSerializer(serializers.Serializer[Any]):
    """The form of an upload."""

    file = serializers.FileField(help_text="The media file.")


class WaveformSerializer(serializers.Serializer[Any]):
    """The loudest sample of each of up to 800 equal parts, 0 to 1, and the length in seconds."""

    peaks = serializers.ListField(child=serializers.FloatField(min_value=0, max_value=1))
    duration = serializers.FloatField(allow_null=True)


class PendingSerializer(serializers.Serializer[Any]):
    """How far the work is, in percent."""

    progress = serializers.FloatField(min_value=0, max_value=100)


class MarkersSerializer(serializers.Serializer[Any]):
    """Moments at which one cuts, in seconds; null where nothing of the kind was sought."""

    keyframes = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    scenes = serializers.ListField(child=serializers.FloatField(), allow_null=True, help_text="Where a shot begins.")
    silences = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2), allow_null=True, help_text="From, to."
    )


class PendingMarkersSerializer(MarkersSerializer, PendingSerializer):
    """What is found so far."""
