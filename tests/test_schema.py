"""What the OpenAPI description says is what the API does: requests drawn from it, right and wrong ones, with a user's token.

Every answer must be one that the description names, in the shape that it gives, and none may be an error of ours. The
requests are the same in every run, and each is taken back, so that all of them meet the same world. What begins work beside
the request (`tryouts/`, stand-ins, marks) is only asked for things that there are not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypotheses
from hypothesis import strategies as st

from converter.jobs.models import Job
from converter.owners import bearers
from converter.owners.models import Owner
from converter.uploads import services as uploads
from converter.uploads.models import Upload

from . import world as worlds

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")]

EXAMPLES = 25
"""Requests drawn for each operation."""

FIXED: dict[str, Any] = {"max_examples": EXAMPLES, "derandomize": True, "database": None, "deadline": None, "phases": [Phase.generate]}
FIXED["suppress_health_check"] = list(HealthCheck)

WORKS = re.compile(r"/tryouts/|/preview\.mp4|/markers\.json")
KIND = re.compile(r"/api/v1/(?:auth/)?(\w+)s/")
THINGS = ("upload", "uploads", "project", "export", "job")
"""Fields of bodies that name a thing."""


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """Requests leave the test's connection open, as with Django's own test client."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def things(_one_connection: None, media_root: Path, media_dir: Path, settings: Any) -> dict[str, str]:
    """Ids of what the user owns, by kind: an upload with its file, a job that is over and the rest; `token` and `staff` are who asks."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {}}
    world = worlds.build()
    owner, staff = (User.objects.get(username=name).owner for name in ("user", "staff"))
    upload = uploads.receive(owner, "flower.mp4", [(media_dir / "flower_540p_5s.mp4").read_bytes()])
    Upload.objects.filter(media_data={}).update(media_data=worlds.CLIP.as_dict())
    Job.objects.filter(pk=world.things["user"]["job"]).update(status="cancelled", finished_at=upload.created_at)
    return {**world.things["user"], "upload": str(upload.pk), "token": str(owner.pk), "staff": str(staff.pk)}


def test_the_api_is_as_it_is_described(things: dict[str, str]) -> None:
    import schemathesis  # here, so that no other test waits for it

    described = SchemaGenerator().get_schema(request=None, public=True)
    schema = schemathesis.openapi.from_dict(described)
    schema.app = get_wsgi_application()
    wrong, seen = [], Counter[int]()
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            _check(operation, things, seen)
        except BaseExceptionGroup as failures:
            wrong += [f"{operation.label}: {failure}" for failure in failures.exceptions]
    assert not wrong, "\n\n".join(wrong)
    assert {200, 201, 204, 400, 404, 409, 415} <= set(seen), seen


def _check(operation: Any, things: dict[str, str], seen: Counter[int]) -> None:
    """Draw requests of one operation and judge the answers. Raises an exception group."""
    from schemathesis import GenerationMode, checks

    judged = [checks.not_a_server_error, checks.status_code_conformance, checks.content_type_conformance]
    drawn = [operation.as_strategy(GenerationMode.POSITIVE), operation.as_strategy(GenerationMode.NEGATIVE)]
    if (kind := KIND.match(operation.path)) and not WORKS.search(operation.path):
        names = {parameter: things[kind[1]] for parameter in ("id", "key_id") if f"{{{parameter}}}" in operation.path}
        drawn += [operation.as_strategy(mode, path_parameters=names) for mode in GenerationMode] if names else []

    # A fresh one for each operation: an access token lasts five minutes, and all of them together may take longer.
    token = bearers.issue(Owner.objects.get(pk=things["staff" if "staff" in operation.tags else "token"]))["access"]

    @hypotheses(**FIXED)
    @given(st.one_of(drawn), st.booleans())
    def one(case: Any, own: bool) -> None:
        if own and isinstance(case.body, dict) and not WORKS.search(operation.path):
            _name_own(case.body, things)
        with transaction.atomic():
            response = case.call(headers={"Authorization": f"Bearer {token}"})
            transaction.set_rollback(True)
        seen[response.status_code] += 1
        whole = response.status_code != 206 and "text/event-stream" not in response.headers.get("content-type", "")
        case.validate_response(response, checks=[*judged, checks.response_schema_conformance] if whole else judged)

    one()


def _name_own(body: dict[str, Any], things: dict[str, str]) -> None:
    """Name what the user has where the body names anything."""
    for name in THINGS:
        if name in body:
            own = things[name.rstrip("s")]
            body[name] = [own] if name == "uploads" else own
