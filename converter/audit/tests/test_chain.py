"""The trail: written with its mutation, sealed after it, and telling of every kind of tampering."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test import Client

from converter.audit import chain, services
from converter.audit.context import Actor, use_actor
from converter.audit.models import AuditEntry, ChainHead

pytestmark = pytest.mark.django_db(transaction=True)


def write(count: int = 5) -> None:
    for number in range(count):
        services.record("thing.made", ("thing", str(number), f"thing {number}"), number=number, share=0.1 * number)


def rows() -> list[AuditEntry]:
    return list(AuditEntry.objects.order_by("sequence"))


def tamper(**values: object) -> Callable[[int], None]:
    return lambda sequence: AuditEntry.objects.filter(sequence=sequence).update(**values)


def test_entries_carry_actor_object_and_order() -> None:
    with use_actor(Actor("user alice", "1.2.3.4", "req-1")):
        write(2)
    first, second = rows()
    assert (first.actor, first.address, first.request_id, first.target_id, first.data["number"]) == ("user alice", "1.2.3.4", "req-1", "0", 0)
    assert (first.sequence, second.sequence, second.previous) == (1, 2, first.digest)
    assert services.verify() == chain.Verdict(2, second.digest)


def test_an_entry_lives_and_dies_with_its_mutation() -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        write(1)
        raise RuntimeError
    assert not AuditEntry.objects.exists()
    with transaction.atomic():
        write(1)
        assert AuditEntry.objects.get().sequence is None  # the chain is not touched before the commit
    assert AuditEntry.objects.get().sequence == 1


def test_entries_are_append_only() -> None:
    write(1)
    entry = AuditEntry.objects.get()
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        entry.delete()


def test_odd_values_survive_storage() -> None:
    services.record(
        "odd", ("x" * 99, "k" * 99, "a\0b\ud800" * 200), nan=float("nan"), huge=10**30, deep={"a": {"b": [1, object, {1, 2}]}}, long="x" * 9999
    )
    entry = AuditEntry.objects.get()
    assert entry.data["nan"] == "nan" and entry.data["huge"] == str(10**30) and len(entry.data["long"]) == 500
    assert "\0" not in entry.target and len(entry.target) == 255
    assert services.verify().sound


@pytest.mark.parametrize(
    ("break_it", "problem"),
    [
        (tamper(actor="somebody else"), "changed"),
        (tamper(address="6.6.6.6"), "changed"),
        (tamper(data={"number": 99}), "changed"),
        (lambda sequence: AuditEntry.objects.filter(sequence=sequence)._raw_delete("default"), "missing"),
        (tamper(sequence=None), "missing"),
        (tamper(sequence=None, previous="", digest=""), "missing"),
        (tamper(digest="f" * 64), "changed"),
        (tamper(previous="f" * 64), "out of order"),
    ],
)
def test_tampering_in_the_middle_is_found(break_it: Callable[[int], None], problem: str) -> None:
    write()
    assert services.verify().sound
    break_it(3)
    verdict = services.verify()
    assert not verdict.sound and verdict.problem.startswith(problem) and verdict.sequence == 3


def test_a_moved_entry_is_found() -> None:
    write()
    second, third = rows()[1:3]
    AuditEntry.objects.filter(pk=second.pk).update(sequence=99)
    AuditEntry.objects.filter(pk=third.pk).update(sequence=2)
    AuditEntry.objects.filter(pk=second.pk).update(sequence=3)
    assert services.verify().sequence == 2 and "out of order" in services.verify().problem


def test_a_cut_end_is_found() -> None:
    write()
    AuditEntry.objects.filter(sequence__gte=4)._raw_delete("default")
    verdict = services.verify()
    assert verdict.sequence == 4 and "end was cut off" in verdict.problem


def test_a_cut_beginning_is_found() -> None:
    write()
    AuditEntry.objects.filter(sequence=1)._raw_delete("default")
    assert services.verify().problem == "missing"
    AuditEntry.objects.all()._raw_delete("default")
    assert "cut off" in services.verify().problem


def test_an_unsealed_last_entry_is_found() -> None:
    write()
    tamper(sequence=None)(5)
    assert "end was cut off" in services.verify().problem
    write(1)  # the trail goes on, and still tells
    assert services.verify().sequence == 5


def test_a_changed_or_missing_head_is_found() -> None:
    write()
    ChainHead.objects.update(sequence=3, digest=rows()[2].digest)
    assert "head" in services.verify().problem
    ChainHead.objects.all().delete()
    assert "head was taken away" in services.verify().problem
    write(1)  # a mutation is never refused because somebody broke the trail
    assert AuditEntry.objects.filter(sequence=None).count() == 1


def test_a_crash_before_sealing_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(services, "_seal_after_commit", lambda: None)
        write(3)
    assert AuditEntry.objects.filter(sequence=None).count() == 3
    write(1)
    assert [entry.data["number"] for entry in rows()] == [0, 1, 2, 0]
    assert services.verify().sound


def test_many_waiting_entries_are_sealed_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "SEAL_BATCH", 4)
    monkeypatch.setattr(chain, "PAGE", 3)
    with transaction.atomic():
        write(25)
    verdict = services.verify()
    assert verdict.sound and verdict.entries == 25


def test_parallel_writers_make_one_chain() -> None:
    failures: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(10):
                with transaction.atomic():
                    write(2)
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    verdict = services.verify()
    assert verdict.sound and verdict.entries == 80


def test_a_sound_check_stays_cheap_for_the_writer(django_assert_max_num_queries) -> None:
    write(1)
    with django_assert_max_num_queries(10):
        write(1)


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    write(3)
    out = io.StringIO()
    call_command("audit", "verify", stdout=out)
    assert out.getvalue().startswith("audit trail sound: 3 entries, head ") and out.getvalue().count("\n") == 1
    out = io.StringIO()
    call_command("audit", "tail", "-n", "2", stdout=out)
    assert len(out.getvalue().splitlines()) == 2 and "thing 2" in out.getvalue()
    out = io.StringIO()
    call_command("audit", "export", stdout=out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2, 3] and lines[1]["previous"] == lines[0]["digest"]
    tamper(actor="x")(2)
    err = io.StringIO()
    with pytest.raises(SystemExit) as exit_info:
        call_command("audit", "verify", stderr=err)
    assert exit_info.value.code == 1 and "broken at entry 2" in err.getvalue() and err.getvalue().count("\n") == 1


def test_the_admin_shows_and_changes_nothing() -> None:
    write(2)
    User.objects.create_superuser("root", password="x")
    client = Client()
    client.login(username="root", password="x")
    assert b"thing 1" in client.get("/admin/audit/auditentry/?q=thing").content
    entry = rows()[0]
    assert client.get(f"/admin/audit/auditentry/{entry.pk}/change/").status_code == 200
    assert client.post(f"/admin/audit/auditentry/{entry.pk}/change/", {"actor": "x"}).status_code == 403
    assert client.get("/admin/audit/auditentry/add/").status_code == 403
    assert client.post(f"/admin/audit/auditentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_connection_is_immediate_on_sqlite() -> None:
    if connection.vendor == "sqlite":
        assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
