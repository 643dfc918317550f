"""What a job's card says while it waits."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from converter.jobs import turns
from converter.jobs.models import Job

register = template.Library()


@register.filter
def waiting_for(job: Job) -> str:
    """Its place in the queue, in words: `2 ahead of you`; static/js/tray.js says the same."""
    ahead = int((job if "place" in job.__dict__ else turns.placed([job])[0]).__dict__["place"])
    return ngettext("%(n)s ahead of you", "%(n)s ahead of you", ahead) % {"n": ahead} if ahead else _("Waiting for a worker")
