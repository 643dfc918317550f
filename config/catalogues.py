"""Message catalogues: what is to be translated, gathered from templates, Python, scripts and the engine's registry.

Babel does the reading and writing, so that no gettext tools of the system are needed. The .po files are kept in
the repository; the .mo files are compiled by build.sh and by the tests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

from converter.engine.errors import CODES
from converter.engine.operations import all_operations
from converter.engine.operations.base import KIND_NAMES
from converter.engine.operations.wishes import WISHES
from converter.engine.params import specs
from converter.engine.sniff import FOREIGN_WORDS

from .sentences import sentences

LOCALE_DIR = Path(__file__).resolve().parent / "locale"
PYTHON_WORDS = {
    "gettext": None, "gettext_lazy": None, "_": None, "gettext_noop": None,
    "ngettext": (1, 2), "ngettext_lazy": (1, 2), "pgettext": ((1, "c"), 2), "pgettext_lazy": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
SCRIPT_WORDS = {"say": None, "say.many": (1, 2)}
_PYTHON = ("config", "converter", "projects")
_SPOKEN = (
    *(f"converter/{room}" for room in ("engine", "exports", "jobs", "quotas", "tryouts", "uploads")),
    *(f"converter/{module}.py" for module in ("services", "runner", "views", "library_views", "problems")),
    "projects",
)
"""Where sentences are said that reach people on pages."""
_FOR_PROGRAMS = re.compile(r"/(tests|migrations|chromekit|faults)/|/(tus|ffmpeg|admin|schema|errors|wishes|apps)\.py$")
"""Rooms and modules of these whose sentences are for programs, for operators, or gathered in another way."""
_SKIPPED = re.compile(r"/(tests|migrations)/")

Message = tuple[str | tuple[str, ...], str]
"""A message (with its plural, where it has one) and the file it stands in."""


def languages() -> list[str]:
    """The codes of the languages that are not the source's."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def template_messages() -> Iterator[Message]:
    """Whatever `{% translate %}` and `{% blocktranslate %}` name."""
    for path in sorted(Path(settings.BASE_DIR, "templates").rglob("*.html")):
        code = templatize(path.read_text("utf-8"), origin=str(path)).replace("u'", " '").replace('u"', ' "')
        yield from _found("python", code, path, PYTHON_WORDS)


def python_messages() -> Iterator[Message]:
    """Whatever `gettext` and its kin are called with."""
    for folder in _PYTHON:
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py")):
            if not _SKIPPED.search(str(path)):
                yield from _found("python", path.read_text("utf-8"), path, PYTHON_WORDS)


def script_messages() -> Iterator[Message]:
    """Whatever `say` and `say.many` are called with in our scripts."""
    for path in sorted(Path(settings.BASE_DIR, "static", "js").rglob("*.js")):
        yield from _found("javascript", path.read_text("utf-8"), path, SCRIPT_WORDS)


def engine_messages() -> Iterator[Message]:
    """What the engine says of itself as data: errors, operations, their parameters and presets."""
    for code in CODES.values():
        for text in (code.sentence, code.hint):
            yield text, "engine: errors"
    for wish in WISHES.values():
        for text in (wish.title, wish.summary):
            yield text, "engine: wishes"
    for operation in all_operations().values():
        where = f"engine: {operation.name}"
        for text in (operation.title, operation.summary):
            yield text, where
        for preset in operation.presets:
            for text in (preset.title, preset.summary):
                yield text, where
        for spec in specs(operation.params):
            for text in (spec.label, spec.help, *(label for _, label in spec.choices)):
                yield text, where


def said_messages() -> Iterator[Message]:
    """What Python says with values in it, and whatever else it says to people without asking a catalogue; and the words put into that."""
    for place in _SPOKEN:
        root = Path(settings.BASE_DIR, place)
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            if not _FOR_PROGRAMS.search(str(path)):
                where = path.relative_to(settings.BASE_DIR).as_posix()
                yield from ((text, where) for text in sentences(path.read_text("utf-8")))
    for text in (*KIND_NAMES.values(), *FOREIGN_WORDS, " or "):
        yield text, "engine: words"


def wanted(domain: str) -> Catalog:
    """Every message of a domain (`django` or `djangojs`), without translations."""
    catalog = Catalog(project="Cutroom", charset="utf-8", fuzzy=False)
    sources = [script_messages()] if domain == "djangojs" else [template_messages(), python_messages(), engine_messages(), said_messages()]
    for source in sources:
        for message, where in source:
            if message and (isinstance(message, str) or all(message)):
                python_format = domain == "django" and "%(" in (message if isinstance(message, str) else message[0])
                catalog.add(message, locations=[(where, None)], flags=["python-format"] if python_format else [])  # type: ignore[list-item]
    return catalog


def po_path(language: str, domain: str) -> Path:
    """Where a language's catalogue stands."""
    return LOCALE_DIR / language / "LC_MESSAGES" / f"{domain}.po"


def stored(language: str, domain: str) -> Catalog:
    """A language's catalogue as it is in the repository; empty when there is none yet."""
    path = po_path(language, domain)
    with BytesIO(path.read_bytes() if path.exists() else b"") as file:
        return read_po(file, locale=language, domain=domain)


def update(language: str, domain: str) -> Catalog:
    """Bring a language's .po file up to what is wanted; translations stay, what nobody says any more goes."""
    catalog = stored(language, domain)
    catalog.update(wanted(domain), no_fuzzy_matching=True, update_header_comment=False)
    catalog.obsolete.clear()
    catalog.header_comment = f"# Cutroom: {language}, {domain}. Gathered by manage.py catalogues."
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Cutroom", "1", ""
    with po_path(language, domain).open("wb") as file:
        write_po(file, catalog, width=150, omit_header=False, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return catalog


def compile_all() -> None:
    """Write each language's .mo files where they are older than their .po files or missing."""
    for language in languages():
        for domain in ("django", "djangojs"):
            source = po_path(language, domain)
            target = source.with_suffix(".mo")
            if source.exists() and (not target.exists() or target.stat().st_mtime_ns < source.stat().st_mtime_ns):
                fresh = target.with_suffix(f".{os.getpid()}.mo")  # several processes of a test run begin at the same time
                with fresh.open("wb") as file:
                    write_mo(file, stored(language, domain))
                fresh.replace(target)


def _found(method: str, text: str, path: Path, words: Mapping[str, Any]) -> Iterator[Message]:
    where = path.relative_to(settings.BASE_DIR).as_posix()
    for _, message, _, _ in extract(method, BytesIO(text.encode()), keywords=words):
        if isinstance(message, str):
            yield message, where
        elif all(isinstance(part, str) for part in message):
            yield tuple(message), where
