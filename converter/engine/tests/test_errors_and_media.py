import json
import pickle
from dataclasses import replace

import pytest

from converter.engine.errors import CODES, MAX_MESSAGE, MediaError
from converter.engine.limits import Limits, check_media, check_size, megabytes
from converter.engine.media import AudioStream, Media, VideoStream, exact_rate

VIDEO = VideoStream(0, "h264", 1080, 1920, 1920, 1080, 29.97, "30000/1001", rotation=90, duration=5.0, frames=150)
MEDIA = Media("video", "mp4", "mov", "video/mp4", 1_000_000, 5.0, (VIDEO,), (AudioStream(1, "aac", 2, "stereo", 48000),), streams=2, notes=("x",))


def test_every_code_has_a_sentence_and_a_status() -> None:
    for code in CODES.values():
        assert code.sentence.endswith(".")
        assert 400 <= code.status <= 599
        assert not (code.users and code.transient)


def test_errors_are_bounded_and_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(MediaError("bad_parameter", "x" * 9999, field="start", log="secret")))
    assert len(error.detail) == MAX_MESSAGE
    assert (error.code.name, error.field, error.log, error.users) == ("bad_parameter", "start", "secret", True)
    assert MediaError("disk_full").detail == "The disk is full."


def test_media_survives_storage_and_other_versions() -> None:
    stored = json.loads(json.dumps(MEDIA.as_dict()))
    assert Media.from_dict(stored) == MEDIA
    stored["videos"][0]["future"] = stored["future"] = 1
    del stored["notes"], stored["videos"][0]["has_alpha"]
    assert Media.from_dict(stored) == replace(MEDIA, notes=())


def test_summary_is_flat() -> None:
    summary = MEDIA.summary()
    assert (summary["kind"], summary["width"], summary["height"], summary["video_codec"], summary["audio_codec"]) == (
        "video",
        1080,
        1920,
        "h264",
        "aac",
    )
    assert summary["bit_rate"] == 1_600_000
    assert exact_rate(VIDEO).denominator == 1001


def test_cover_art_is_not_the_picture() -> None:
    cover = replace(VIDEO, attached_picture=True)
    assert replace(MEDIA, videos=(cover,)).video is None
    assert replace(MEDIA, videos=(cover, VIDEO)).video is VIDEO


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"size": 3_000_000_000}, "too_large"),
        ({"duration": 15_000.0}, "too_long"),
        ({"streams": 65}, "unsupported_media"),
        ({"videos": (replace(VIDEO, width=10_000, height=10_000),)}, "too_many_pixels"),
        ({"videos": (replace(VIDEO, coded_width=10_000, coded_height=10_000),)}, "too_many_pixels"),
        ({"videos": (replace(VIDEO, frames=1_000_001),)}, "too_long"),
    ],
)
def test_limits(changes: dict[str, object], code: str) -> None:
    with pytest.raises(MediaError) as caught:
        check_media(replace(MEDIA, **changes), Limits())
    assert caught.value.code.name == code


def test_within_limits_and_without_limits() -> None:
    check_media(MEDIA, Limits())
    none = Limits(max_bytes=0, max_seconds=0, max_pixels=0, max_streams=0, max_frames=0)
    check_media(replace(MEDIA, size=1 << 50, duration=1e9, streams=1000), none)
    check_size(1 << 50, none)


def test_sizes_for_people() -> None:
    assert [megabytes(n) for n in (500, 1_500_000, 2_500_000_000)] == ["500 bytes", "1.5 MB", "2.5 GB"]
