"""Whatever stands in a header or a name is understood or refused in one sentence; nothing else comes of it."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path
from typing import Any, cast

from django.test import RequestFactory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.request import Request
from rest_framework.views import APIView

from converter.engine.errors import MediaError
from converter.uploads import tus
from converter.uploads.delivery import content_disposition, media_response
from converter.uploads.names import LONGEST, clean_name

STEADY = settings(derandomize=True, deadline=None, max_examples=200, suppress_health_check=list(HealthCheck))
# What a server can hand over as a header: any bytes but those that end it, read as Latin-1.
HEADER = st.binary(max_size=80).map(lambda raw: raw.translate(None, b"\r\n\0").decode("latin-1"))
NUMBER = st.sampled_from(["", "0", "5", "-5", "+5", " 5", "5 ", "0x5", "1e3", "٣", "²", "1_000", "9" * 19, "9" * 30, "4611686018427387905"])
WORDS = st.sampled_from(["bytes=", "-", ",", "0", "99", "100", "101", " ", "=", "items", "9" * 25, "٣"])


def sent(**headers: str) -> Request:
    request = RequestFactory().patch("/", headers={name.replace("_", "-"): value for name, value in headers.items()})
    return APIView().initialize_request(request)


def bad(error: MediaError, field: str) -> None:
    assert (error.code.name, error.field) == ("bad_parameter", field)
    assert len(error.detail) <= 300


@STEADY
@given(HEADER | NUMBER)
def test_any_offset_is_a_number_or_refused(value: str) -> None:
    try:
        number = tus._number(sent(Upload_Offset=value), "Upload-Offset")
    except MediaError as error:
        bad(error, "Upload-Offset")
    else:
        assert 0 <= number <= 1 << 62


@STEADY
@given(HEADER | st.tuples(st.sampled_from(["sha1", "sha256", "SHA256", "md5", ""]), st.binary(max_size=40) | HEADER).map(
    lambda pair: f"{pair[0]} {base64.b64encode(pair[1]).decode() if isinstance(pair[1], bytes) else pair[1]}"
))  # fmt: skip
def test_any_checksum_is_one_or_refused(value: str) -> None:
    try:
        checksum = tus._checksum(sent(Upload_Checksum=value))
    except MediaError as error:
        bad(error, "Upload-Checksum")
    else:
        assert checksum is not None


@STEADY
@given(HEADER | st.lists(st.tuples(st.sampled_from(["filename", "name", "a b", "", "ä"]), HEADER | st.binary(max_size=20)), max_size=4).map(
    lambda pairs: ",".join(f"{key} {base64.b64encode(value).decode() if isinstance(value, bytes) else value}" for key, value in pairs)
))  # fmt: skip
def test_any_metadata_is_read_or_refused(value: str) -> None:
    try:
        named = tus.read_metadata(value)
    except MediaError as error:
        bad(error, "Upload-Metadata")
    else:
        assert clean_name(named.get("filename"))


@STEADY
@given(st.lists(WORDS, max_size=8).map("".join) | HEADER, st.sampled_from([0, 1, 100]))
def test_any_range_is_a_part_of_the_file_or_all_of_it(asked: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(bytes(range(size)))
        response: Any = media_response(
            RequestFactory().get("/", headers={"Range": asked}), path, mime="video/mp4", name="a.mp4", attachment=True, etag="abc"
        )
        data = b"".join(cast(Any, response))
        response.close()
    assert response.status_code in (200, 206, 416)
    if response.status_code == 206:
        start = int(response["Content-Range"].removeprefix("bytes ").partition("-")[0])
        assert data == bytes(range(size))[start : start + len(data)] and data
    elif response.status_code == 200:
        assert data == bytes(range(size))
    assert int(response["Content-Length"]) == len(data)


@STEADY
@given(st.text(max_size=400) | HEADER | st.none())
def test_any_name_is_a_line_to_show(name: str | None) -> None:
    shown = clean_name(name)
    assert 1 <= len(shown) <= LONGEST
    assert clean_name(shown) == shown
    assert not set(shown) & set("/\\\0\r\n\u202e\u2066")
    header = content_disposition(shown, attachment=True)
    header.encode("latin-1")
    assert "\n" not in header and "\r" not in header
