"""The scripts that a page needs, asked for all at once instead of one after the other."""

from __future__ import annotations

import posixpath
import re
from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

register = template.Library()

_IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*["'](\.{1,2}/[^"']+)["']""", re.MULTILINE)
"""A static import or re-export of one of our own modules."""


@register.simple_tag
def preload_modules(entry: str) -> SafeString:
    """A `modulepreload` link for everything that the module `entry` imports, directly or not: `{% preload_modules "js/workshop.js" %}`."""
    return format_html_join("", '<link rel="modulepreload" href="{}">', ((static(name),) for name in imported(entry)))


@register.simple_tag
def preload_later(entry: str, first: str) -> SafeString:
    """The same for a module that is imported after `first`: itself and what `first` does not bring."""
    there = {first, *imported(first)}
    names = (name for name in (entry, *imported(entry)) if name not in there)
    return format_html_join("", '<link rel="modulepreload" href="{}">', ((static(name),) for name in names))


@cache
def imported(entry: str) -> tuple[str, ...]:
    """The static names of all modules that `entry` leads to, in order, without itself. Raises `FileNotFoundError` for one that is not there."""
    found: dict[str, None] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop(0)
        path = finders.find(name)
        if path is None:
            raise FileNotFoundError(f"the module {name} that {entry} needs")
        for target in _IMPORT.findall(Path(path).read_text(encoding="utf-8")):
            wanted = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            if wanted not in found and wanted != entry:
                found[wanted] = None
                waiting.append(wanted)
    return tuple(sorted(found))
