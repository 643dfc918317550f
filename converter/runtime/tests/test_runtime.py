"""Settings that change while the machine runs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from converter.audit.models import AuditEntry
from converter.engine.errors import MediaError
from converter.runtime import registry, services
from converter.runtime.models import RuntimeSetting

pytestmark = pytest.mark.django_db


def test_defaults_come_from_the_settings(settings) -> None:
    assert services.get("upload_retention_hours") == 168
    settings.UPLOAD_RETENTION_HOURS = 5
    assert services.get("upload_retention_hours") == 5
    assert set(services.all()) == set(registry.registry())


def test_set_reset_and_trail() -> None:
    assert services.set("export_retention_hours", "12.5") == 12.5
    assert services.get("export_retention_hours") == 12.5 and services.all()["export_retention_hours"] == 12.5
    services.reset("export_retention_hours")
    assert services.get("export_retention_hours") == 168
    actions = list(AuditEntry.objects.order_by("id").values_list("action", "data"))
    assert actions == [("setting.changed", {"old": 168, "new": 12.5}), ("setting.reset", {"old": 12.5, "new": 168})]


@pytest.mark.parametrize("value", ["", None, "soon", "nan", float("inf"), -1, 10**9, [], True])
def test_nonsense_is_refused_and_changes_nothing(value: object) -> None:
    with pytest.raises(MediaError) as error:
        services.set("upload_retention_hours", value)
    assert error.value.code.name == "bad_parameter" and error.value.field == "upload_retention_hours"
    assert not RuntimeSetting.objects.exists() and not AuditEntry.objects.exists()


def test_unknown_keys_are_refused() -> None:
    for call in (lambda: services.get("nope"), lambda: services.set("nope", 1), lambda: services.reset("nope")):
        with pytest.raises(MediaError) as error:
            call()
        assert error.value.field == "key"


def test_a_value_that_no_longer_holds_falls_back() -> None:
    RuntimeSetting.objects.create(key="temp_retention_hours", value=0)
    assert services.get("temp_retention_hours") == 24


def test_the_admin_checks_and_audits(client: Client) -> None:
    User.objects.create_superuser("root", password="x")
    client.login(username="root", password="x")
    url = "/admin/runtime/runtimesetting/"
    refused = client.post(f"{url}add/", {"key": "upload_retention_hours", "value": "-3"})
    assert refused.status_code == 200 and not RuntimeSetting.objects.exists()
    assert client.post(f"{url}add/", {"key": "upload_retention_hours", "value": "48"}).status_code == 302
    assert services.get("upload_retention_hours") == 48
    assert AuditEntry.objects.get(action="setting.changed").actor == "user root"
    assert client.post(f"{url}upload_retention_hours/change/", {"value": "72"}).status_code == 302
    assert services.get("upload_retention_hours") == 72
    assert b"Keep" in client.get(f"{url}add/").content and b"cleaned up" in client.get(url).content
    assert client.post(f"{url}upload_retention_hours/delete/", {"post": "yes"}).status_code == 302
    assert services.get("upload_retention_hours") == 168
