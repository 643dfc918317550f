"""The environment is read with types, and a malformed value is refused with its name and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.mark.parametrize(
    ("written", "read"),
    [("4096", 4096), ("2GiB", 2 * 1024**3), ("2 GB", 2 * 10**9), ("1.5 MiB", 1_572_864), ("512k", 524_288), ("7b", 7), ("1_000", 1000)],
)
def test_sizes(monkeypatch: pytest.MonkeyPatch, written: str, read: int) -> None:
    monkeypatch.setenv("X_SIZE", written)
    assert env.size("X_SIZE", 1) == read


@pytest.mark.parametrize(("written", "read"), [("1", True), ("Yes", True), ("on", True), ("false", False), ("0", False), ("", True)])
def test_booleans(monkeypatch: pytest.MonkeyPatch, written: str, read: bool) -> None:
    monkeypatch.setenv("X_FLAG", written)
    assert env.boolean("X_FLAG", True) is read


@pytest.mark.parametrize(
    ("read", "value", "right"),
    [
        (lambda: env.integer("X", 5, low=1, high=9), "10", "from 1 to 9"),
        (lambda: env.integer("X", 5), "five", "a whole number"),
        (lambda: env.number("X", 5), "nan", "a number"),
        (lambda: env.number("X", 5), "inf", "a number"),
        (lambda: env.number("X", 5), "x", "a number"),
        (lambda: env.size("X", 5), "2 gallons", "2GiB"),
        (lambda: env.size("X", 5), "-1", "2GiB"),
        (lambda: env.size("X", 5, low=100), "99", "at least 100"),
        (lambda: env.boolean("X", False), "maybe", "true or false"),
        (lambda: env.rate("X", "5/hour"), "often", "for example 5/hour"),
        (lambda: env.rate("X", "5/hour"), "5/fortnight", "for example 5/hour"),
        (lambda: env.proxies("X"), "unix,proxy.example", "addresses and networks"),
        (lambda: env.text("X", "a", choices=("a", "b")), "c", "one of a, b"),
        (lambda: env.url("X", schemes=("redis", "unix")), "http://x", "redis:// or unix://"),
        (lambda: env.url("X", schemes=("redis",)), "redis://x:port", "redis://"),
    ],
)
def test_malformed_values_are_refused_by_name(monkeypatch: pytest.MonkeyPatch, read, value: str, right: str) -> None:
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured, match=r"^X") as caught:
        read()
    assert right in str(caught.value)


def test_rates_and_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("30/hour", "5/m", "5/10m", "0/s"):
        monkeypatch.setenv("X", value)
        assert env.rate("X", "1/day") == value
    monkeypatch.setenv("X", "10.0.0.7, 172.16.0.1/12, ::1, unix")
    assert env.proxies("X") == ["10.0.0.7", "172.16.0.1/12", "::1", "unix"]


def test_a_password_in_an_address_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "mysql://me:hunter2@host/db")
    with pytest.raises(ImproperlyConfigured) as caught:
        env.url("X", schemes=("postgres",))
    assert "hunter2" not in str(caught.value)


def test_empty_means_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "  ")
    assert env.integer("X", 7) == 7
    assert env.listing("X", ("a",)) == ["a"]
    assert env.path("X", Path("/a")) == Path("/a")


def test_lists_and_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X", "a, b,,c ")
    assert env.listing("X") == ["a", "b", "c"]
    monkeypatch.setenv("X", "data/var")
    assert env.path("X", Path("/a")) == env.BASE_DIR / "data" / "var"
