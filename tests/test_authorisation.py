"""Every address × everybody × every method: generated from the URLconf, judged by the table in tests/routes.py.

A new route fails here until tests/routes.py says who may use it; the head of that file says how.
Each request is taken back afterwards, so that all of them meet the same world (tests/world.py).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter
from django.utils import timezone

from converter.owners import keys, scopes
from converter.owners.models import ApiKey, Owner
from converter.owners.tokens import hash_token, new_token

from . import world as worlds
from .routes import ACCOUNT, ALL, MINE, OWN, ROUTES, STAFF, Route, Who
from .world import ACCOUNTS, OWNERS, PEOPLE, World

pytestmark = pytest.mark.django_db

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
TOLD = frozenset({401, 403, 404, 405})
"""Refusals. 400, 409, 410, 422 … say that somebody was let in and asked for what makes no sense."""

SIGN_IN = re.compile(r"/(login|sign-in)/\?next=")
HOW = "tests/routes.py says who may do what: add a line for it there (the head of that file says how)."


def walk(resolver: URLResolver, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every pattern with the full name of its route."""
    for found in resolver.url_patterns:
        if isinstance(found, URLResolver):
            yield from walk(found, f"{space}{found.namespace}:" if found.namespace else space)
        else:
            yield f"{space}{found.name or ''}", found


@functools.cache
def patterns() -> dict[str, URLPattern]:
    """The site's routes by name, without the admin's."""
    return {name: found for name, found in walk(get_resolver()) if not name.startswith("admin:")}


def lines(name: str) -> list[Route]:
    return [line for line in ROUTES if line.name == name]


def test_every_route_has_a_decision() -> None:
    unnamed = [str(found.pattern) for name, found in patterns().items() if not name]
    assert not unnamed, f"give these routes a name: {unnamed}"
    missing = sorted(set(patterns()) - {line.name for line in ROUTES})
    assert not missing, f"nobody has decided who may use {', '.join(missing)}. {HOW}"
    stale = sorted({line.name for line in ROUTES} - set(patterns()))
    assert not stale, f"tests/routes.py speaks of routes that are gone: {', '.join(stale)}"


def test_every_method_that_a_route_answers_has_a_decision() -> None:
    """REST framework's and Django's own views say themselves what they answer; the others are tried below."""
    for name, found in patterns().items():
        view = getattr(found.callback, "cls", None) or getattr(found.callback, "view_class", None)
        actions = getattr(found.callback, "actions", None)
        if view is None:
            continue
        allowed = {method.lower() for method in view.http_method_names}
        answers = {
            method for method in METHODS if method.lower() in allowed and (method.lower() in actions if actions else hasattr(view, method.lower()))
        }
        undecided = answers - {"HEAD", "OPTIONS"} - {method for line in lines(name) for method in line.methods}
        assert not undecided, f"nobody has decided who may {', '.join(sorted(undecided))} {name}. {HOW}"


@pytest.fixture
def world(media_root: Path) -> World:
    return worlds.build()


def send(world: World, person: str, method: str, line: Route, whose: str = "anonymous") -> Any:
    """One request, taken back afterwards."""
    things = world.things[whose]

    def filled(value: Any) -> Any:
        return things[value[1:-1]] if isinstance(value, str) and value.startswith("{") else value

    found = patterns()[line.name]
    names = list(found.pattern.converters) or list(getattr(found.pattern.regex, "groupindex", ()))
    numbers = {name for name, converter in found.pattern.converters.items() if isinstance(converter, IntConverter)}
    address = reverse(line.name, kwargs={name: line.at.get(name, 0 if name in numbers else things.get(line.of)) for name in names})
    if line.query:
        address += "?" + "&".join(f"{key}={filled(value)}" for key, value in line.query.items())
    body = {key: filled(value) for key, value in line.body.items()}
    options: dict[str, Any] = {"headers": line.headers, "HTTP_ACCEPT": "*/*"}
    if method in ("POST", "PUT", "PATCH"):
        if kind := line.headers.get("Content-Type"):
            options |= {"data": b"", "content_type": kind}
        elif address.startswith("/api/"):
            options |= {"data": body, "content_type": "application/json"}
        elif method == "POST":
            options |= {"data": body}
    with transaction.atomic():
        response = getattr(world.clients[person], method.lower())(address, **options)
        transaction.set_rollback(True)
    return response


def let_in(response: Any) -> bool:
    """Whether the request got past the door; being sent to the sign-in page is not."""
    return response.status_code not in TOLD and not SIGN_IN.search(response.headers.get("Location", ""))


def may(who: Who, person: str, whose: str, api: bool) -> bool:
    """The decision for one person."""
    return {
        ALL: True,
        MINE: person != "nobody" or not api,
        OWN: person == whose,
        ACCOUNT: person in ACCOUNTS,
        STAFF: person == "staff",
    }[who]


@pytest.mark.parametrize("name", sorted({line.name for line in ROUTES}))
def test_the_right_people_get_in_and_nobody_else(world: World, name: str) -> None:
    wrong = []
    for line in lines(name):
        for method, who in line.methods.items():
            wrong += tried(world, line, method, who)
            if method == "GET":
                wrong += tried(world, line, "HEAD", who)
    decided = {method for line in lines(name) for method in line.methods} | {"HEAD", "OPTIONS"}
    for method in METHODS:
        if method not in decided:
            for person in ("nobody", "anonymous", "staff"):
                status = send(world, person, method, lines(name)[0]).status_code
                if status not in TOLD:
                    wrong.append(f"{method} is not decided on, and {person} was answered {status}. {HOW}")
    assert not wrong, f"{name}:\n" + "\n".join(wrong)


def tried(world: World, line: Route, method: str, who: Who) -> Iterator[str]:
    """What is wrong with one decision."""
    of_somebody = bool(line.of or line.body or line.query)
    for whose in OWNERS if of_somebody else OWNERS[:1]:
        for person in PEOPLE:
            response = send(world, person, method, line, whose)
            api = line.name.startswith("api-")
            expected, got_in = may(who, person, whose, api), let_in(response)
            says = f"{method} {line.query or ''}{line.body or ''} of {whose} by {person}: {response.status_code}"
            if response.status_code >= 500 and not line.name.startswith("health"):
                yield f"{says}, an error of ours"
            elif expected != got_in and not line.name.startswith("health"):
                yield f"{says}, but it is for {who.value}"
            elif not expected and who is OWN and response.status_code != (401 if person == "nobody" and api else 404):
                yield f"{says}, which tells a stranger more than 404"
            yield from told_too_much(world, response, person, who, says)
            close(response)


def close(response: Any) -> None:
    """Let go of a stream's file, but not of the test's database connection."""
    if response.streaming:
        request_finished.disconnect(close_old_connections)
        response.close()
        request_finished.connect(close_old_connections)


def told_too_much(world: World, response: Any, person: str, who: Who, says: str) -> Iterator[str]:
    """Ids of other people's things in an answer."""
    if response.streaming or who in (ALL, STAFF) or not let_in(response):
        return
    text = response.content.decode(errors="replace")
    for found in sorted(strange for strange in world.strange_ids(person) if strange in text):
        yield f"{says}, and it names {found}, which is somebody else's"


@pytest.mark.parametrize("person", ["anonymous", "user"])
def test_no_other_site_can_act_in_a_visitors_name(media_root: Path, person: str) -> None:
    """Whatever changes something by a browser's cookies asks for the CSRF token."""
    world = worlds.build(enforce_csrf=True)
    wrong = []
    for line in ROUTES:
        for method in line.methods:
            if method in UNSAFE and line.csrf and may(line.methods[method], person, person, api=True):
                status = send(world, person, method, line, person).status_code
                if status != 403:
                    wrong.append(f"{method} {line.name}: {status}")
    assert not wrong, f"these did not ask for the CSRF token: {wrong}"


@pytest.mark.parametrize("name", sorted({line.name for line in ROUTES if line.name.startswith("api-")}))
def test_a_personal_token_needs_the_scope(world: World, name: str) -> None:
    """With every scope but the right one it is refused; the right one alone lets it in, where the account itself gets in."""
    account = User.objects.get(username="user").owner
    wrong = []
    for line in lines(name):
        for method, who in line.methods.items():
            if who is ALL:
                continue
            status, needed = with_key(world, account, set(), method, line)
            if needed is None and not name.startswith("api-auth-"):
                wrong.append(f"{method} {name}: no scope lets a token in; put its room into converter/owners/scopes.py")
            if status != 403:
                wrong.append(f"{method} {name} without any scope: {status}")
            if needed and (status := with_key(world, account, scopes.SCOPES.keys() - {needed}, method, line)[0]) != 403:
                wrong.append(f"{method} {name} with every scope but {needed}: {status}")
            if needed and who in (MINE, OWN) and (status := with_key(world, account, {needed}, method, line)[0]) in TOLD:
                wrong.append(f"{method} {name} with {needed} alone: {status}")
    assert not wrong, "\n".join(wrong)


def with_key(world: World, account: Owner, allowed: set[str], method: str, line: Route) -> tuple[int, str | None]:
    """The status that a token with these scopes is answered, and the scope that was needed."""
    token = keys.PREFIX + new_token()
    expires = timezone.now() + timedelta(days=1)
    ApiKey.objects.create(owner=account, name="x", key_hash=hash_token(token), scopes=sorted(allowed), expires_at=expires)
    world.clients["key"] = Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)
    response = send(world, "key", method, line, "user")
    close(response)
    return response.status_code, scopes.needed(response.wsgi_request)


OPEN_IN_ADMIN = {"admin:login": 200, "admin:logout": None, "admin:jsi18n": None}


def test_the_admin_is_for_staff(world: World) -> None:
    """All of its addresses, whatever models are registered; the families of one model stand for all where staff looks."""
    seen = set()
    for name, found in walk(get_resolver()):
        if not name.startswith("admin:") or name in OPEN_IN_ADMIN or not found.name:
            continue
        keys = list(found.pattern.converters) or list(found.pattern.regex.groupindex)  # type: ignore[attr-defined]
        values = {"app_label": "jobs", "content_type_id": "1", "object_id": "1", "id": "1", "url": "x"}
        address = reverse(name, kwargs={key: values.get(key, "1") for key in keys})
        for method in ("get", "post"):
            for person in PEOPLE[:-1]:
                response = getattr(world.clients[person], method)(address)
                assert not let_in(response), f"{method} {name} let {person} in: {response.status_code}"
        family = found.name.rpartition("_")[2]
        if family not in seen:
            seen.add(family)
            response = world.clients["staff"].get(address)
            assert response.status_code < 500 and "/login/" not in response.headers.get("Location", ""), f"{name}: {response.status_code}"
    assert {"index", "changelist", "add", "change", "delete", "history"} <= seen


def test_static_files_are_for_all_and_media_has_no_address(world: World) -> None:
    for person in PEOPLE:
        client = world.clients[person]
        assert {client.get(path).status_code for path in ("/static/", "/static/none.js", "/media/", "/media/exports/ab/")} == {404}
