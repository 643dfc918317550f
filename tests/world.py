"""Five people, and one thing of every kind for two of them: what tests/test_authorisation.py walks through the site with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from converter.engine.media import Media
from converter.exports.models import Export
from converter.exports.tests import make as exports
from converter.jobs.models import Job
from converter.jobs.services import create as create_job
from converter.jobs.tests import make as jobs
from converter.owners.models import ApiKey, Owner
from converter.owners.services import COOKIE, owner_for_user
from converter.owners.tokens import hash_token, new_token
from converter.uploads.models import Upload
from projects import services as projects
from projects.models import Clip, Render

PEOPLE = ("nobody", "anonymous", "other anonymous", "user", "other user", "staff")
"""Nobody sends no credentials at all; the anonymous are browsers with a cookie."""

ACCOUNTS = PEOPLE[3:]
OWNERS = ("anonymous", "user")
"""Those whose things are asked for."""

PASSWORD = "correct-horse-battery"
CLIP = Media(kind="video", container="mp4", demuxer="mov", mime="video/mp4", size=10, duration=10.0)


def _upload(owner: Owner) -> Upload:
    return jobs.upload(owner, media_data=CLIP.as_dict())


def _job(owner: Owner) -> Job:
    return create_job(owner, "trim", {"start": 0.0}, [_upload(owner)])


def _export(owner: Owner) -> Export:
    """A file that can be made again."""
    made, source = exports.export(owner), _upload(owner)
    made.recipe["inputs"] = [{"upload": str(source.pk), "sha256": source.sha256, "name": source.name}]
    made.save()
    Upload.objects.filter(owner=owner, media_data={}).update(media_data=CLIP.as_dict())
    return made


def _key(owner: Owner) -> ApiKey:
    """Guests have none in truth; the row is there all the same, so that everybody can be tried on it."""
    return ApiKey.objects.create(owner=owner, name="script", key_hash=new_token(), scopes=[], expires_at=timezone.now() + timedelta(days=1))


def _clip(owner: Owner) -> Clip:
    return Clip.objects.create(project=projects.create(owner, "Holiday"), upload=_upload(owner), position=0, start=0, end=2)


KINDS: dict[str, Callable[[Owner], Any]] = {
    "upload": lambda owner: _upload(owner).pk,
    "job": lambda owner: _job(owner).pk,
    "export": lambda owner: _export(owner).pk,
    "token": lambda owner: exports.grant(_export(owner))[1],
    "key": lambda owner: _key(owner).pk,
    "project": lambda owner: projects.create(owner, "Holiday").pk,
    "clip": lambda owner: _clip(owner).pk,
    "render": lambda owner: Render.objects.create(project=_clip(owner).project, job=_job(owner)).pk,
}
"""How a thing of each kind is made for an owner; what stands in an address for it is returned."""


@dataclass
class World:
    """Everybody's client, and the things of two of them: `things["user"]["job"]` is an id."""

    clients: dict[str, Client]
    things: dict[str, dict[str, str]]

    def strange_ids(self, person: str) -> set[str]:
        """The ids of everything that is somebody else's."""
        return {value for owner, things in self.things.items() if owner != person for value in things.values()}


def build(*, enforce_csrf: bool = False) -> World:
    """Make everybody. Call it within a test that has a database and a MEDIA_ROOT of its own."""
    clients = {person: Client(enforce_csrf_checks=enforce_csrf, raise_request_exception=False) for person in PEOPLE}
    owners: dict[str, Owner] = {}
    for person in PEOPLE[1:]:
        if person in ACCOUNTS:
            make = User.objects.create_superuser if person == "staff" else User.objects.create_user
            user = make(person.replace(" ", "-"), password=PASSWORD)
            clients[person].force_login(user)
            owners[person] = owner_for_user(user)
        else:
            token = new_token()
            clients[person].cookies[COOKIE] = token
            owners[person] = Owner.objects.create(token_hash=hash_token(token))
    return World(clients, {name: {kind: str(make(owners[name])) for kind, make in KINDS.items()} for name in OWNERS})
