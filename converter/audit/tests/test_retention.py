"""Old entries go from the beginning; what stays is verified, and a beginning that was cut off shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from converter.audit import chain, retention, services
from converter.audit.models import AuditEntry, ChainHead

pytestmark = pytest.mark.django_db(transaction=True)


def write(count: int, days: int = 0) -> None:
    """Entries as old as that, sealed with their time."""
    for number in range(count):
        AuditEntry.objects.create(at=timezone.now() - timedelta(days=days), actor="x", action="test", target_type="t", target_id=str(number))
    services.seal()


def trim(days: int = 30) -> int:
    return retention.trim(timezone.now() - timedelta(days=days))


def test_what_is_old_goes_and_the_rest_is_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "MOST", 4)
    write(10, days=100)
    write(5)
    assert trim() == 10 and trim() == 0
    verdict = services.verify()
    assert verdict.sound and verdict.base == 10
    assert "from entry 11 on" in str(verdict) and str(verdict).startswith("audit trail sound: 8 entries")  # 5, and three that say so
    assert AuditEntry.objects.filter(action="test").count() == 5
    write(3)
    assert services.verify().sound


def test_everything_may_go() -> None:
    write(3, days=100)
    assert trim() == 3
    assert services.verify().sound and AuditEntry.objects.get().action == "audit.trimmed"


def test_an_old_entry_behind_a_new_one_stays() -> None:
    write(2)
    write(2, days=100)
    assert trim() == 0 and services.verify().sound


@pytest.mark.parametrize("how", ["an entry of what stayed", "more than was let go", "a beginning that nobody let go"])
def test_tampering_shows_after_it_too(how: str) -> None:
    write(4, days=100)
    write(4)
    trim()
    if how == "an entry of what stayed":
        AuditEntry.objects.filter(sequence=6).update(actor="mallory")
    elif how == "more than was let go":
        AuditEntry.objects.filter(sequence=5).delete()
    else:
        last = AuditEntry.objects.get(sequence=6)
        AuditEntry.objects.filter(sequence__lte=6).delete()
        ChainHead.objects.update(base_sequence=6, base_digest=last.digest)
    assert not services.verify().sound


def test_a_walk_begins_anew_when_its_beginning_goes_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    write(6, days=100)
    write(2)
    walk, walks = chain._walk, []

    def under_its_feet(base: chain.Verdict) -> chain.Verdict:
        walks.append(base.base)
        if len(walks) == 1:
            trim()
            return chain._broken(base, "missing")
        return walk(base)

    monkeypatch.setattr(chain, "_walk", under_its_feet)
    assert services.verify().sound and walks == [0, 6]
