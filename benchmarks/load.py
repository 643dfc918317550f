"""`python -m benchmarks.load`: a crowd that uploads and a crowd that watches, on loopback, while somebody reads pages.

Fifty clients send files by tus over slow lines (one in ten breaks and goes on), two hundred follow jobs by server-sent
events, and visitors open pages one after another. Wanted: no failed upload, the 99th percentile of a page under 500 ms, and
memory that does not grow. Everything runs on one machine, so the crowd takes its share of the cores too; the table says how much.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import http.client
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from .clips import DEFAULT_FOLDER, ROOT
from .measure import memory
from .server import Server, running

CLIP = "flower_540p_5s.mp4"
PIECE, PAUSE_SECONDS = 64 * 1024, 0.25
"""A line of 2 Mbit/s."""

BREAKS = 0.1
OWNERS = 10
"""Whose jobs are watched: each by a tenth of those who watch."""

VISITORS = 4
PAGE_SECONDS = 0.4
"""Between two pages of one visitor."""

LIMIT_MS = 500.0
FLAT = 1.25
"""The largest memory of the last third, as a multiple of the first third's."""

MB = 1e6


@dataclass(slots=True)
class Crowd:
    """What the uploading and the watching clients saw."""

    port: int
    until: float
    clip: bytes
    uploads: int = 0
    breaks: int = 0
    events: int = 0
    streams: int = 0
    failures: list[str] = field(default_factory=list)
    asked: int = 0
    jobs: dict[str, list[str]] = field(default_factory=dict)
    """The unfinished jobs of each owner who is watched."""

    async def exchange(self, method: str, path: str, token: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """One request with its whole answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(_head(method, path, token, len(body), headers) + body)
            return await _answer(reader)
        finally:
            writer.close()

    async def upload(self, token: str, dice: Random) -> None:
        """Send one file, going on after a break, and give it up again. Raises `RuntimeError` for an answer that is none of success."""
        name = base64.b64encode(b"load.mp4").decode()
        status, headers, body = await self.exchange(
            "POST", "/api/v1/uploads/tus/", token, Upload_Length=str(len(self.clip)), Upload_Metadata=f"filename {name}", Tus_Resumable="1.0.0"
        )
        if status != 201:
            raise RuntimeError(f"creation {status} {body[:200]!r}")
        place = "/" + headers["location"].split("/", 3)[3]
        stop = int(len(self.clip) * dice.uniform(0.2, 0.8)) if dice.random() < BREAKS else None
        offset = 0
        while offset < len(self.clip):
            status = await self.send(place, token, offset, stop)
            # 409, 423: the line that broke was still being emptied; every client asks again how far it got, and goes on.
            if stop is None and status not in (204, 409, 423):
                raise RuntimeError(f"PATCH {status}")
            self.breaks += stop is not None
            stop = None
            status, headers, _ = await self.exchange("HEAD", place, token, Tus_Resumable="1.0.0")
            if status != 200:
                raise RuntimeError(f"HEAD {status}")
            offset = int(headers["upload-offset"])
        upload = place.rstrip("/").rpartition("/")[2]
        status, _, body = await self.exchange("GET", f"/api/v1/uploads/{upload}/", token)
        if status != 200 or json.loads(body)["status"] != "ready":
            raise RuntimeError(f"the upload is {status} {body[:200]!r}")
        status, _, _ = await self.exchange("DELETE", f"/api/v1/uploads/{upload}/", token)
        if status != 204:
            raise RuntimeError(f"DELETE {status}")

    async def send(self, place: str, token: str, offset: int, stop: int | None) -> int:
        """PATCH the rest over a slow line; the status, 0 when the line was broken at `stop`."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        kind = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}
        try:
            writer.write(_head("PATCH", place, token, len(self.clip) - offset, kind))
            for at in range(offset, len(self.clip), PIECE):
                if stop is not None and at >= stop:
                    return 0
                writer.write(self.clip[at : at + PIECE])
                await writer.drain()
                await asyncio.sleep(PAUSE_SECONDS)
            return (await _answer(reader))[0]
        finally:
            writer.close()

    async def uploader(self, token: str, dice: Random) -> None:
        """Upload until it is over."""
        await asyncio.sleep(dice.uniform(0, 5))
        while time.monotonic() < self.until:
            try:
                await self.upload(token, dice)
                self.uploads += 1
            except (OSError, RuntimeError, asyncio.IncompleteReadError) as error:
                self.failures.append(f"upload: {error!r}")

    async def watcher(self, token: str, dice: Random) -> None:
        """Follow one job after another until it is over."""
        await asyncio.sleep(dice.uniform(0, 5))
        while time.monotonic() < self.until:
            if not self.jobs.get(token):
                await asyncio.sleep(0.5)
                continue
            try:
                await self.watch(token, dice.choice(self.jobs[token]))
            except (OSError, RuntimeError, asyncio.IncompleteReadError) as error:
                self.failures.append(f"stream: {error!r}")
            await asyncio.sleep(1)

    async def watch(self, token: str, job: str) -> None:
        """One stream to its end. Raises `RuntimeError` when it is refused."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(_head("GET", f"/api/v1/jobs/{job}/events/", token, 0, {"Accept": "text/event-stream"}))
            if b" 200 " not in (first := await reader.readline()):
                raise RuntimeError(f"the stream was answered by {first!r}")
            self.streams += 1
            while time.monotonic() < self.until and (line := await reader.readline()):
                self.events += line.startswith(b"event:")
        finally:
            writer.close()

    async def feed(self, token: str, source: str) -> None:
        """Keep an owner's jobs coming: one at work or waiting, and one behind it."""
        mine = self.jobs.setdefault(token, [])
        while time.monotonic() < self.until:
            for job in list(mine):
                _, _, body = await self.exchange("GET", f"/api/v1/jobs/{job}/", token)
                if json.loads(body)["status"] not in ("queued", "running"):
                    mine.remove(job)
            while len(mine) < 2:
                body = json.dumps({"upload": source, "operation": "compress", "params": {"crf": 28, "effort": "medium"}}).encode()
                status, _, answer = await self.exchange("POST", "/api/v1/jobs/", token, body, Content_Type="application/json")
                if status != 201:
                    self.failures.append(f"job: {status} {answer[:200]!r}")
                    break
                mine.append(str(json.loads(answer)["id"]))
                self.asked += 1
            await asyncio.sleep(2)

    async def all(self, uploaders: list[str], owners: list[tuple[str, str]], watchers: int) -> None:
        """Everybody at once."""
        clients = [self.uploader(token, Random(n)) for n, token in enumerate(uploaders)]  # noqa: S311 (repeatable on purpose)
        watching = [self.watcher(owners[n % len(owners)][0], Random(n)) for n in range(watchers)]  # noqa: S311
        await asyncio.gather(*(self.feed(token, source) for token, source in owners), *clients, *watching)


def _head(method: str, path: str, token: str, length: int, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Authorization: Bearer {token}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {length}"] if length or method in ("POST", "PATCH") else []
    return "\r\n".join([*lines, "", ""]).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    status = int((await reader.readuntil(b"\r\n")).split()[1])
    headers = {}
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    return status, headers, await reader.read()


def crowd(port: int, until: float, clip: Path, uploaders: list[str], owners: list[tuple[str, str]], watchers: int, told: Connection) -> None:
    """A process of its own: so that nobody who measures pages waits for it."""
    people = Crowd(port, until, clip.read_bytes())
    began = time.process_time()
    asyncio.run(people.all(uploaders, owners, watchers))
    facts = {name: getattr(people, name) for name in ("uploads", "breaks", "events", "streams", "failures")}
    told.send({**facts, "jobs": people.asked, "cpu": time.process_time() - began})


def visitor(port: int, token: str, until: float, told: Connection) -> None:
    """Opens pages one after another and measures each, in milliseconds."""
    found: list[tuple[str, int, float]] = []
    pages = ("/", "/jobs/", "/exports/", "/api/v1/jobs/", "/api/v1/operations/")
    while time.monotonic() < until:
        for page in pages:
            began = time.monotonic()
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            line.request("GET", page, headers={"Authorization": f"Bearer {token}"})
            response = line.getresponse()
            response.read()
            found.append((page, response.status, (time.monotonic() - began) * 1000))
            line.close()
            time.sleep(PAGE_SECONDS)
    told.send(found)


def measure(server: Server, options: argparse.Namespace) -> dict[str, Any]:
    """Run everything for so many minutes. Raises `CommandError` when the server did not start."""
    uploaders = [server.guest().token for _ in range(options.uploaders)]
    makers = [server.guest() for _ in range(OWNERS)]
    owners = [(maker.token, str(maker.upload(options.clips / CLIP)["id"])) for maker in makers]
    until = time.monotonic() + options.minutes * 60
    spawn = multiprocessing.get_context("spawn")
    ends = [spawn.Pipe(duplex=False) for _ in range(VISITORS + 1)]
    people = [spawn.Process(target=crowd, args=(server.port, until, options.clips / CLIP, uploaders, owners, options.watchers, ends[0][1]))]
    people += [spawn.Process(target=visitor, args=(server.port, owners[0][0], until, end[1])) for end in ends[1:]]
    for process in people:
        process.start()
    for _, theirs in ends:
        theirs.close()  # so that a process that broke off is noticed here
    sizes = []
    while time.monotonic() < until:
        time.sleep(min(5.0, max(0.1, until - time.monotonic())))
        sizes.append(memory(server.processes("gunicorn")).pss / MB)
    spent = sum(sum(process.cpu_times()[:2]) for process in server.processes("gunicorn"))
    seen = ends[0][0].recv()
    pages = [page for reader, _ in ends[1:] for page in reader.recv()]
    for process in people:
        process.join()
    return {**seen, "pages": pages, "memory": sizes, "web_cpu": spent}


def table(found: dict[str, Any], options: argparse.Namespace) -> Iterator[str]:
    """The results as Markdown."""
    times = sorted(milliseconds for _, _, milliseconds in found["pages"])
    third = max(1, len(found["memory"]) // 3)
    first, last = max(found["memory"][:third]), max(found["memory"][-third:])
    wrong = [f"{page} {status}" for page, status, _ in found["pages"] if status != 200]
    yield f"{options.uploaders} clients upload, {options.watchers} watch, {VISITORS} read pages, {options.minutes:g} minutes, on loopback."
    yield ""
    yield "| what | measured | wanted |"
    yield "|---|---|---|"
    yield f"| uploads finished, of them after a broken line | {found['uploads']}, {found['breaks']} | |"
    yield f"| failed uploads, streams and jobs | {len(found['failures'])} | 0 |"
    yield f"| pages, not answered by 200 | {len(times)}, {len(wrong)} | 0 of them |"
    marks = " / ".join(_at(times, share) for share in (0.5, 0.95, 0.99, 1))
    yield f"| a page, median / 95 % / 99 % / longest, ms | {marks} | 99 % < {LIMIT_MS:g} |"
    yield f"| event streams, events | {found['streams']}, {found['events']} | |"
    yield f"| jobs asked for | {found['jobs']} | |"
    yield f"| memory of the web processes (PSS), first third / last third, MB | {first:.0f} / {last:.0f} | ≤ × {FLAT} |"
    yield f"| CPU seconds of the web processes, of the crowd | {found['web_cpu']:.0f}, {found['cpu']:.0f} | |"
    yield from (f"- {line}" for line in (found["failures"] + wrong)[:20])
    broken = missed(found)
    yield ""
    yield f"**It did not hold: {'; '.join(broken)}.**" if broken else "**It held: nothing failed, pages came in time, and memory stayed flat.**"


def missed(found: dict[str, Any]) -> list[str]:
    """What was not as wanted, in a few words each."""
    times = sorted(milliseconds for _, _, milliseconds in found["pages"])
    third = max(1, len(found["memory"]) // 3)
    flat = max(found["memory"][-third:]) <= FLAT * max(found["memory"][:third])
    verdicts = {
        f"{len(found['failures'])} uploads, streams or jobs failed": bool(found["failures"]),
        "no upload was finished": not found["uploads"],
        "a page was not answered by 200": any(status != 200 for _, status, _ in found["pages"]),
        f"the 99th percentile of a page was {_at(times, 0.99)} ms": not float(_at(times, 0.99)) < LIMIT_MS,
        "memory grew": not flat,
    }
    return [sentence for sentence, wrong in verdicts.items() if wrong]


def _at(times: list[float], share: float) -> str:
    return f"{times[min(len(times) - 1, int(len(times) * share))]:.0f}" if times else "nan"


def main() -> int:
    """Exit status 0 when all held, 1 when something did not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description="Many who upload and watch at once.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--uploaders", type=int, default=50)
    parser.add_argument("--watchers", type=int, default=200)
    parser.add_argument("--clips", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help=f"the folder that has {CLIP}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what was measured")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="load-", dir=(ROOT / "var") if (ROOT / "var").is_dir() else None))
    try:
        with running(work, LOG_LEVEL="WARNING", GUEST_RATE="100000/hour") as server:
            found = measure(server, options)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if options.json:
        options.json.write_text(json.dumps(found))
    print("\n".join(table(found, options)))
    return 1 if missed(found) else 0


if __name__ == "__main__":
    sys.exit(main())
