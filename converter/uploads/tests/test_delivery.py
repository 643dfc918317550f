"""Bytes leave in ranges, under conditions, and with headers that keep them harmless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpResponseBase
from django.test import AsyncRequestFactory, RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from converter.engine.errors import MediaError
from converter.uploads import delivery
from converter.uploads.delivery import content_disposition, media_response

DATA = bytes(range(256)) * 40
SIZE = len(DATA)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("delivery") / "file"
    path.write_bytes(DATA)
    return path


def respond(
    path: Path, method: str = "get", *, asynchronous: bool = False, on_sent: Any = None, attachment: bool = False, **headers: str
) -> HttpResponseBase:
    factory = AsyncRequestFactory() if asynchronous else RequestFactory()
    request = getattr(factory, method)("/", headers={key.replace("_", "-"): value for key, value in headers.items()})
    return media_response(request, path, mime="video/mp4", name="clip.mp4", attachment=attachment, etag="abc", on_sent=on_sent)


def body(response: Any) -> bytes:
    if not response.streaming:
        return response.content

    async def collect() -> bytes:
        return b"".join([chunk async for chunk in response.streaming_content])

    data = async_to_sync(collect)() if response.is_async else b"".join(response.streaming_content)
    response.close()
    return data


@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_whole_file(path: Path, asynchronous: bool) -> None:
    response = respond(path, asynchronous=asynchronous)
    assert response.is_async is asynchronous and response.status_code == 200 and body(response) == DATA
    expected = {
        "Content-Type": "video/mp4",
        "Content-Length": str(SIZE),
        "Accept-Ranges": "bytes",
        "ETag": '"abc"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Content-Disposition": 'inline; filename="clip.mp4"',
        "Cache-Control": "private, max-age=3600",
        "Vary": "Cookie, Authorization",
    }
    assert {key: response[key] for key in expected} == expected


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=10-", 10, SIZE),
        ("bytes=-7", SIZE - 7, SIZE),
        ("bytes=-999999", 0, SIZE),
        (f"bytes={SIZE - 1}-{SIZE + 99}", SIZE - 1, SIZE),
        ("bytes = 3-4", 3, 5),
    ],
)
def test_one_range(path: Path, asynchronous: bool, asked: str, start: int, end: int) -> None:
    response = respond(path, asynchronous=asynchronous, Range=asked)
    assert response.status_code == 206 and body(response) == DATA[start:end]
    assert response["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}" and response["Content-Length"] == str(end - start)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=-0", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=9999999999999999999-"])
def test_ranges_outside(path: Path, asked: str) -> None:
    response = respond(path, Range=asked)
    assert response.status_code == 416 and response["Content-Range"] == f"bytes */{SIZE}" and body(response) == b""


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=0-1,4-5", "bytes=1--2", "bytes=٣-٤", "bytes=" + "9" * 40 + "-"]
)
def test_ranges_that_mean_nothing_are_answered_whole(path: Path, asked: str) -> None:
    response = respond(path, Range=asked.encode().decode("latin1"))
    assert response.status_code == 200 and body(response) == DATA


@given(st.integers(0, SIZE + 20), st.integers(0, SIZE + 20))
def test_any_range(path: Path, first: int, last: int) -> None:
    response = respond(path, Range=f"bytes={first}-{last}")
    if first > last:
        assert response.status_code == 200
    elif first >= SIZE:
        assert response.status_code == 416
    else:
        assert response.status_code == 206 and body(response) == DATA[first : last + 1]


def test_conditions(path: Path) -> None:
    assert respond(path, If_None_Match='"x", W/"abc"').status_code == 304
    assert respond(path, If_None_Match="*").status_code == 304
    fresh = respond(path, If_None_Match='"abc"', Range="bytes=0-1")
    assert fresh.status_code == 304 and fresh["ETag"] == '"abc"' and "Content-Type" not in fresh.headers
    assert respond(path, If_None_Match='"x"').status_code == 200
    assert respond(path, Range="bytes=0-1", If_Range='"abc"').status_code == 206
    for other in ('"x"', 'W/"abc"', "Wed, 21 Oct 2026 07:28:00 GMT"):
        assert respond(path, Range="bytes=0-1", If_Range=other).status_code == 200


def test_head_has_the_headers_and_no_body(path: Path) -> None:
    response = respond(path, "head", Range="bytes=0-1")
    assert (response.status_code, response["Content-Length"], body(response)) == (200, str(SIZE), b"")
    assert response["Accept-Ranges"] == "bytes"


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    response = respond(tmp_path / "empty")
    assert (response.status_code, response["Content-Length"], body(response)) == (200, "0", b"")
    assert respond(tmp_path / "empty", Range="bytes=0-").status_code == 416


def test_what_is_no_file_is_gone(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(path)
    for wrong in (tmp_path / "nothing", tmp_path, tmp_path / "link"):
        with pytest.raises(MediaError) as error:
            respond(wrong)
        assert error.value.code.name == "gone"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_transfers_report_how_far_they_came(path: Path, asynchronous: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "CHUNK", 1000)
    monkeypatch.setattr(delivery, "REPORT_BYTES", 4000)
    reports: list[tuple[int, bool]] = []
    response = respond(path, asynchronous=asynchronous, on_sent=lambda *report: reports.append(report), Range="bytes=1000-")
    assert body(response) == DATA[1000:]
    assert reports == [(5000, False), (9000, False), (SIZE, True)]
    reports.clear()
    body(respond(path, asynchronous=asynchronous, on_sent=lambda *report: reports.append(report), Range="bytes=0-99"))
    assert reports == [(100, False)]  # the end of the range, not of the file


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_transfer_that_breaks_off_says_so_once(path: Path, asynchronous: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "CHUNK", 1000)
    reports: list[tuple[int, bool]] = []
    response: Any = respond(path, asynchronous=asynchronous, on_sent=lambda *report: reports.append(report))

    async def two() -> None:
        stream = response._iterator
        await anext(stream)
        await anext(stream)
        await stream.aclose()

    if asynchronous:
        async_to_sync(two)()
    else:
        stream = iter(response.streaming_content)
        next(stream)
        next(stream)
    response.close()
    assert reports == [(1000, False)]  # the second chunk was never taken


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("clip.gif", 'attachment; filename="clip.gif"'),
        ("Blüte 花.mp4", "attachment; filename=\"Blute .mp4\"; filename*=utf-8''Bl%C3%BCte%20%E8%8A%B1.mp4"),
        ('a"; filename="x.html', "attachment; filename=\"a_; filename=_x.html\"; filename*=utf-8''a%22%3B%20filename%3D%22x.html"),
        ("a\r\nSet-Cookie: x=1", 'attachment; filename="aSet-Cookie: x=1"'),
        ("花", "attachment; filename=\"file\"; filename*=utf-8''%E8%8A%B1"),
    ],
)
def test_names_in_headers(name: str, expected: str) -> None:
    assert content_disposition(name, attachment=True) == expected


@given(st.text(max_size=300))
def test_no_name_breaks_a_header(name: str) -> None:
    header = content_disposition(name, attachment=False)
    header.encode("ascii")
    assert "\r" not in header and "\n" not in header and header.count('"') == 2


def test_an_attachment_needs_no_policy(path: Path) -> None:
    response = respond(path, attachment=True)
    assert "Content-Security-Policy" not in response.headers and response["Content-Disposition"].startswith("attachment")
    body(response)
