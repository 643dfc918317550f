"""The language of a page: asked for by the browser, or chosen; and what scripts get of it."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client

from config import catalogues

pytestmark = pytest.mark.django_db


def test_a_page_follows_what_the_browser_asks_for(client: Client) -> None:
    assert b'<html lang="de" dir="ltr">' in client.get("/", headers={"accept-language": "de"}).content
    assert b'<html lang="en" dir="ltr">' in client.get("/", headers={"accept-language": "tlh"}).content


def test_a_choice_wins_and_lasts(client: Client) -> None:
    answer = client.post("/language/", {"language": "de", "next": "/jobs/"})
    assert answer.status_code == 302 and answer["Location"] == "/jobs/"
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME]["max-age"] > 86400
    page = client.get("/", headers={"accept-language": "en"}).content
    assert b'<html lang="de"' in page and b'src="/language/de.js"' in page


def test_a_choice_leads_nowhere_else(client: Client) -> None:
    answer = client.post("/language/", {"language": "de", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"


def test_scripts_get_a_catalogue(client: Client) -> None:
    answer = client.get("/language/de.js")
    assert answer.status_code == 200 and answer["Content-Type"].startswith("text/javascript")
    assert b"ngettext" in answer.content


def test_no_catalogue_is_kept_for_names_that_anybody_thinks_of(client: Client) -> None:
    from django.utils.translation import trans_real

    before = set(trans_real._translations)
    for name in ("xx", "tlh", "a" * 40, "-"):
        assert client.get(f"/language/{name}.js").status_code == 404
    assert set(trans_real._translations) - before <= {"en", "de"}


def test_what_is_to_be_translated_is_found_everywhere() -> None:
    ids = {message.id for message in catalogues.wanted("django")}
    assert {"Convert", "Waiting", "The disk is full."} <= ids


@pytest.mark.parametrize("code", catalogues.languages())
def test_translations_keep_their_placeholders(code: str) -> None:
    import re

    for domain in ("django", "djangojs"):
        for message in catalogues.stored(code, domain):
            if message.id and message.string:
                ids = [message.id] if isinstance(message.id, str) else list(message.id)
                strings = [message.string] if isinstance(message.string, str) else list(message.string)
                known = set(re.findall(r"%\(\w+\)s", " ".join(ids)))
                for string in strings:
                    assert set(re.findall(r"%\(\w+\)s", string)) <= known, message.id


@pytest.mark.parametrize("domain", ["django", "djangojs"])
@pytest.mark.parametrize("code", catalogues.languages())
def test_every_sentence_is_translated(code: str, domain: str) -> None:
    """`manage.py catalogues` gathers what is new; the rest is for somebody who speaks the language."""
    stored = {message.id: message.string for message in catalogues.stored(code, domain) if message.id}
    wanted = [message.id for message in catalogues.wanted(domain) if message.id]
    missing = [text for text in wanted if not stored.get(text) or not all(stored[text])]
    assert not missing, f"{code} {domain}: run manage.py catalogues and translate {missing}"
