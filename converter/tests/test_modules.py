"""Every script of a page is asked for at once, and every import leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.template import Context, Template

from converter.templatetags.modules import imported

SCRIPTS = Path(__file__).resolve().parents[2] / "static" / "js"
ENTRIES = sorted(f"js/{path.relative_to(SCRIPTS).as_posix()}" for path in SCRIPTS.rglob("*.js"))


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_import_leads_somewhere(entry):
    assert entry not in imported(entry) and set(imported(entry)) <= set(ENTRIES)


def test_the_workshop_asks_for_all_that_it_needs_and_for_nothing_else():
    drawn = Template('{% load modules %}{% preload_modules "js/workshop.js" %}').render(Context())
    asked = re.findall(r'<link rel="modulepreload" href="/?static/(js/[^"]+)">', drawn)
    assert asked == sorted(set(asked)) and "js/api.js" in asked and "js/theme.js" not in asked and "js/workshop.js" not in asked


def test_what_is_imported_later_leads_somewhere():
    for entry in ENTRIES:
        for target in re.findall(r"""\bimport\(["']([^"']+)["']\)""", (SCRIPTS.parent / entry).read_text()):
            assert (SCRIPTS.parent / entry).parent.joinpath(target).is_file()


def test_a_missing_module_is_told_by_its_name(monkeypatch):
    monkeypatch.setattr("converter.templatetags.modules.finders.find", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"js/nothing\.js"):
        imported("js/nothing.js")
