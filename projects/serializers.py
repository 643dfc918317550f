"""The public shapes of projects, clips and renders."""

from __future__ import annotations

import uuid

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from converter.exports.models import Export
from converter.jobs.states import JobStatus

from .models import Clip, Project, Render


class ClipSerializer(serializers.ModelSerializer[Clip]):
    """A range of an upload, in seconds."""

    project = serializers.UUIDField(source="project_id", read_only=True)
    upload = serializers.UUIDField(source="upload_id", read_only=True)
    name = serializers.CharField(source="upload.name", read_only=True, help_text="Name of the upload.")
    position = serializers.IntegerField(read_only=True, help_text="Only its order means something; gaps are normal.")
    duration = serializers.FloatField(read_only=True)

    class Meta:
        model = Clip
        fields = ["id", "project", "upload", "name", "position", "start", "end", "duration", "created_at"]
        read_only_fields = fields


class ProjectSerializer(serializers.ModelSerializer[Project]):
    """A project with its clips in order."""

    clips = ClipSerializer(many=True, read_only=True)
    duration = serializers.SerializerMethodField(help_text="Seconds of all clips together.")

    class Meta:
        model = Project
        fields = ["id", "name", "width", "height", "fps", "duration", "clips", "created_at", "updated_at"]
        read_only_fields = fields

    def get_duration(self, project: Project) -> float:
        """The sum over the clips that were fetched with the project."""
        return sum(clip.duration for clip in project.clips.all())


class RenderSerializer(serializers.ModelSerializer[Render]):
    """A composition; its progress is its job's, its result the job's export."""

    project = serializers.UUIDField(source="project_id", read_only=True)
    job = serializers.UUIDField(source="job_id", read_only=True)
    status = serializers.ChoiceField(source="job.status", choices=JobStatus.choices, read_only=True)
    progress = serializers.FloatField(source="job.progress", read_only=True, help_text="Percent, 0 to 100.")
    export = serializers.SerializerMethodField(help_text="The finished file, or null.")

    class Meta:
        model = Render
        fields = ["id", "project", "job", "status", "progress", "export", "created_at"]
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uuid", "nullable": True, "readOnly": True})
    def get_export(self, render: Render) -> uuid.UUID | None:
        """The job's export, once there is one."""
        try:
            return render.job.export.pk
        except Export.DoesNotExist:
            return None


class ProjectInput(serializers.Serializer[Project]):
    """What a project is made from or changed to."""

    name = serializers.CharField(max_length=200)
    width = serializers.IntegerField(required=False, help_text="Pixels of the composed frame.")
    height = serializers.IntegerField(required=False, help_text="Pixels of the composed frame.")
    fps = serializers.FloatField(required=False, help_text="Frames per second of the composition.")


class ClipInput(serializers.Serializer[Clip]):
    """A new clip: it is put behind the last one."""

    project = serializers.UUIDField()
    upload = serializers.UUIDField()
    start = serializers.FloatField(required=False, default=0.0, help_text="Seconds in the upload.")
    end = serializers.FloatField(required=False, allow_null=True, default=None, help_text="Seconds in the upload; null is its end.")


class ClipChange(serializers.Serializer[Clip]):
    """Other ends, or another place among the project's clips."""

    start = serializers.FloatField(required=False)
    end = serializers.FloatField(required=False)
    place = serializers.IntegerField(required=False, min_value=0, help_text="0 is the first place; one beyond the end is the end.")


class RenderInput(serializers.Serializer[Render]):
    """Which project to compose, as it is now."""

    project = serializers.UUIDField()
