"""The page: what a browser has to fetch for it, how soon it answers on a phone, and how it takes ten minutes of 1080p."""

from __future__ import annotations

import gzip
import re
from collections import deque
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from benchmarks.alive import first_look, long_film
from benchmarks.bench import Bench
from benchmarks.browsing import chromium
from benchmarks.clips import repeated
from benchmarks.server import Server, collect, running
from benchmarks.table import Table

TITLE = "First page: bytes over the wire"
TIMES = 20
"""How often half a minute of film makes ten minutes."""
_CSS = re.compile(r"""(?:url\(\s*|@import\s+)["']?([^"')\s;]+)""")
_SCRIPT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']""")
_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}


class _References(HTMLParser):
    """Everything that a page makes a browser fetch by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Stylesheets, scripts, pictures, media."""
        values = {name: value or "" for name, value in attrs}
        if tag == "link" and _RELATIONS & set(values.get("rel", "").split()):
            self.found.append(values.get("href", ""))
        elif tag in ("script", "img", "video", "audio", "source", "iframe", "embed"):
            self.found.append(values.get("src", ""))


def run(bench: Bench) -> list[Table]:
    """The page and all it refers to, followed through stylesheets and script modules, compressed as for a browser."""
    table = Table(TITLE, {"path": ("path", ""), "wire": ("kB over the wire", ".1f"), "plain": ("kB unpacked", ".1f")})
    collect()
    _, clip = bench.clips.require("bunny")
    film = repeated(bench.ffmpeg, clip, bench.work / "ten.mp4", clip.stat().st_size * TIMES)
    with running(bench.work / "server") as server:
        fetched, outside = _fetch_all(server, "/")
        with chromium() as browser:
            bench.say("  on a phone")
            seen = [first_look(browser, server)]
            bench.say("  ten minutes of 1080p")
            seen.append(long_film(browser, server, film))
    for path, (wire, plain) in fetched.items():
        table.add(path=re.sub(r"\.[0-9a-f]{12}\.", ".", path), wire=wire / 1000, plain=plain / 1000)
    total = sum(wire for wire, _ in fetched.values())
    table.add(path=f"all {len(fetched)}", wire=total / 1000, plain=sum(plain for _, plain in fetched.values()) / 1000)
    table.target("first page ≤ 150 KB transferred, fonts included", total / 1000, 150, unit=" kB", form=".1f")
    table.target("no outside request", float(len(outside)), 0, unit=" outside")
    table.notes.append("Bodies and headers of the answers. Fonts and pictures of stylesheets are counted even where a browser would not need them.")
    table.notes += [f"outside: {address}" for address in sorted(outside)]
    return [table, *seen]


def _fetch_all(server: Server, start: str) -> tuple[dict[str, tuple[int, int]], set[str]]:
    fetched: dict[str, tuple[int, int]] = {}
    outside: set[str] = set()
    waiting = deque([start])
    while waiting:
        path = waiting.popleft()
        if path in fetched:
            continue
        status, body, headers = server.request("GET", path, headers={"Accept-Encoding": "gzip", "Accept": "text/html,*/*"})
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
        text = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        head = sum(len(name) + len(value) + 4 for name, value in headers.items()) + 19
        fetched[path] = (len(body) + head, len(text))
        for reference in _references(headers.get("content-type", ""), text):
            address = urljoin(f"{server.address}{path}", reference)
            if address.startswith(("data:", "blob:", "#")):
                continue
            if not address.startswith(f"{server.address}/"):
                outside.add(address)
                continue
            parts = urlsplit(address)
            waiting.append(parts.path + (f"?{parts.query}" if parts.query else ""))
    return fetched, outside


def _references(content_type: str, body: bytes) -> list[str]:
    text = body.decode(errors="replace")
    if "html" in content_type:
        parser = _References()
        parser.feed(text)
        found = parser.found
    elif "css" in content_type:
        found = _CSS.findall(text)
    elif "javascript" in content_type:
        found = [reference for reference in _SCRIPT.findall(text) if reference.startswith((".", "/", "http"))]
    else:
        found = []
    return [reference for reference in found if reference and not reference.startswith(("data:", "blob:", "#"))]
