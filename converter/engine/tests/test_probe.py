"""The probe on real files: every kind, every accident."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from converter.engine import probe, run
from converter.engine.errors import MediaError
from converter.engine.limits import Limits
from converter.engine.media import Media
from converter.engine.tests.formats import MADE, make
from converter.engine.tests.making import clip, ffmpeg

AUDIO = {
    "a.m4a",
    "alac.m4a",
    "a.mp3",
    "bare.mp3",
    "a.aac",
    "a.wav",
    "rf64.wav",
    "a.aiff",
    "a.caf",
    "a.flac",
    "a.ogg",
    "a.opus",
    "sound.webm",
    "a.wma",
}
MUTE = {"mute.mp4"}
FRAMES_UNKNOWN = {"a.avi", "a.webm", "recorded.webm"}


def inspect(path: Path) -> Media:
    return probe.inspect(path, path.name)


def refused(path: Path, name: str | None = None, limits: Limits | None = None) -> MediaError:
    with pytest.raises(MediaError) as caught:
        probe.inspect(path, path.name if name is None else name, limits=limits)
    assert caught.value.users, f"{caught.value.code.name}: {caught.value.log}"
    return caught.value


@pytest.mark.parametrize("name", MADE)
def test_every_kind(media_dir: Path, name: str) -> None:
    media = inspect(make(media_dir, name))
    if name in AUDIO or name.startswith("cover."):
        assert media.kind == "audio"
        assert media.video is None
        assert bool(media.videos) == name.startswith("cover.")
    elif name.startswith(("p.", "moving.")):
        assert media.kind == ("image" if name.startswith("p.") else "animation")
    else:
        assert media.kind == "video"
    if media.kind == "image":
        still = media.videos[0]
        assert (media.duration, still.fps, still.frames) == (None, 0.0, 1)
        assert (still.width, still.height) == ((64, 64) if name == "p.ico" else (640, 480))
    else:
        assert media.duration == pytest.approx(2.0, abs=0.15)
    if media.kind == "video":
        video = media.videos[0]
        assert (video.width, video.height, video.rotation, video.sample_aspect) == (640, 480, 0, "1/1")
        assert video.fps == pytest.approx(30, rel=0.01)
        assert video.frames is None or video.frames == pytest.approx(60, abs=4)
        assert (media.audio is None) == (name in MUTE)
    assert Media.from_dict(media.as_dict()) == media


def test_details_of_streams(media_dir: Path) -> None:
    friday = inspect(media_dir / "friday_480p_audio_first.mp4")
    assert friday.video is not None
    assert friday.audio is not None
    assert (friday.video.index, friday.audio.index, friday.streams) == (1, 0, 2)
    assert (friday.audio.codec, friday.audio.channels, friday.audio.sample_rate) == ("aac", 2, 44100)
    assert (friday.video.codec, friday.video.frames, friday.mime) == ("h264", 185, "video/mp4")
    prores = inspect(make(media_dir, "prores.mov")).video
    assert prores is not None
    assert prores.has_alpha
    assert prores.bit_depth >= 10
    assert inspect(make(media_dir, "many.mkv")).streams == 4
    assert inspect(make(media_dir, "sound.webm")).mime == "audio/webm"
    moving = inspect(make(media_dir, "moving.webp"))
    assert (moving.demuxer, moving.container, moving.loop) == ("webp_anim", "webp", 0)


def test_rotation_is_what_a_player_does(media_dir: Path, tmp_path: Path) -> None:
    for turned, wanted in ((90, 270), (-90, 90), (180, 180), (0, 0)):
        path = tmp_path / f"{turned}.mp4"
        ffmpeg("-display_rotation", str(turned), "-i", str(clip(media_dir, "small.mp4")), "-c", "copy", str(path))
        video = inspect(path).video
        assert video is not None
        assert video.rotation == wanted
        assert (video.width, video.height) == ((180, 320) if turned in (90, -90) else (320, 180))
        assert (video.coded_width, video.coded_height) == (320, 180)


def test_wide_pixels_gaps_interlacing_and_hdr(media_dir: Path, tmp_path: Path) -> None:
    wide = inspect(clip(media_dir, "wide_pixels.mp4")).video
    assert wide is not None
    assert (wide.sample_aspect, wide.width, wide.height, wide.coded_width) == ("64/45", 256, 144, 180)
    gaps = inspect(clip(media_dir, "gaps.mp4")).video
    assert gaps is not None
    assert gaps.variable_rate
    small = inspect(clip(media_dir, "small.mp4")).video
    assert small is not None
    assert not small.variable_rate
    made = {
        "fields.mp4": ("tinterlace=interleave_top", "-flags", "+ilme+ildct"),
        "hdr.mp4": ("setparams=color_trc=smpte2084:color_primaries=bt2020", "-pix_fmt", "yuv420p10le"),
    }
    for name, (chain, *more) in made.items():
        ffmpeg("-t", "1", "-i", str(clip(media_dir, "small.mp4")), "-an", "-vf", chain, "-c:v", "libx264", *more, str(tmp_path / name))
    fields, hdr = inspect(tmp_path / "fields.mp4").video, inspect(tmp_path / "hdr.mp4").video
    assert fields is not None
    assert fields.interlaced
    assert hdr is not None
    assert (hdr.color_transfer, hdr.color_primaries, hdr.bit_depth) == ("smpte2084", "bt2020", 10)


def test_a_recording_without_a_duration_in_its_header(media_dir: Path) -> None:
    media = inspect(make(media_dir, "recorded.webm"))
    assert media.duration == pytest.approx(2, abs=0.1)


def test_animations_count_what_a_person_sees(tmp_path: Path) -> None:
    from PIL import Image

    pictures = [Image.new("RGB", (80, 60), colour) for colour in ("red", "green", "blue")]
    for name in ("a.gif", "a.webp", "a.png"):
        pictures[0].save(tmp_path / name, save_all=True, append_images=pictures[1:], duration=[100, 400, 1000], loop=2)
        media = inspect(tmp_path / name)
        assert (media.kind, media.duration, media.videos[0].frames) == ("animation", 1.5, 3)
        # A GIF counts the repetitions after the first showing, the others all of them.
        assert media.loop == (3 if name == "a.gif" else 2)
        assert media.videos[0].variable_rate
        pictures[0].save(tmp_path / name)
        assert inspect(tmp_path / name).kind == "image"


def test_stills_that_ffmpeg_cannot_put_together(tmp_path: Path) -> None:
    from PIL import Image
    from pillow_heif import register_heif_opener

    register_heif_opener()
    Image.new("RGB", (641, 333), "red").save(tmp_path / "a.heic")
    media = inspect(tmp_path / "a.heic")
    assert (media.kind, media.container, media.videos[0].width, media.videos[0].height) == ("image", "heic", 641, 333)


@pytest.mark.parametrize(
    "name",
    ["a.mp4", "fragments.mp4", "a.mov", "a.mkv", "a.avi", "vp9.webm", "a.flv", "a.wmv", "a.wav", "a.aiff", "a.caf", "a.flac", "a.mp3", "a.m4a"],
)
def test_half_a_file_is_said_to_be_half_a_file(media_dir: Path, tmp_path: Path, name: str) -> None:
    whole = make(media_dir, name).read_bytes()
    half = tmp_path / name
    half.write_bytes(whole[: len(whole) // 2])
    error = refused(half)
    assert error.code.name == "corrupt_media"
    assert "cut off" in error.detail or "can be read" in error.detail or "index is missing" in error.detail


@pytest.mark.parametrize("name", ["p.png", "p.webp", "p.gif", "p.bmp", "p.avif", "moving.gif", "moving.webp", "moving.apng"])
def test_half_a_picture_is_refused(media_dir: Path, tmp_path: Path, name: str) -> None:
    whole = make(media_dir, name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    assert refused(tmp_path / name).code.name == "corrupt_media"


def test_an_index_in_front_tells_how_much_is_missing(media_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg("-i", str(clip(media_dir, "small.mp4")), "-c", "copy", "-movflags", "+faststart", str(path))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    assert "only 75% of it is there" in refused(path).detail


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.wav"])
def test_the_very_end_may_be_missing(media_dir: Path, tmp_path: Path, name: str) -> None:
    whole = make(media_dir, name).read_bytes()
    (tmp_path / name).write_bytes(whole[:-400])
    said, media = "The very end of the file is missing.", inspect(tmp_path / name)
    assert said in media.notes
    assert run.plan("audio", [media], {"format": "flac"}).warnings.count(said) == 1


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mp3", "a.ogg", "moving.gif", "p.png", "p.jpg", "a.ts"])
def test_random_damage_is_read_or_refused_never_worse(media_dir: Path, tmp_path: Path, name: str) -> None:
    whole, chance = make(media_dir, name).read_bytes(), random.Random(name)
    for number in range(4):
        data = bytearray(whole)
        for _ in range(200):
            data[chance.randrange(12, len(data) if number % 2 else min(len(data), 4000))] = chance.randrange(256)
        path = tmp_path / f"{number}"
        path.write_bytes(data)
        try:
            probe.inspect(path, name)
        except MediaError as error:
            assert error.users, f"{error.code.name}: {error.log}"


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(max_bytes=1000), "too_large"),
        (Limits(max_seconds=1), "too_long"),
        (Limits(max_pixels=10_000), "too_many_pixels"),
        (Limits(max_streams=1), "unsupported_media"),
        (Limits(max_frames=10), "too_long"),
    ],
)
def test_limits_from_the_probe_alone(media_dir: Path, limits: Limits, code: str) -> None:
    error = refused(make(media_dir, "a.mp4"), limits=limits)
    assert error.code.name in (code, "corrupt_media" if code == "unsupported_media" else code)


def test_fewer_streams_than_the_limit_are_never_a_fault(media_dir: Path) -> None:
    assert probe.inspect(make(media_dir, "many.mkv"), limits=Limits(max_streams=4)).streams == 4


@pytest.mark.parametrize(
    "name", ["-i.mp4", "a b'\"$(id).mp4", "%d.mp4", "pipe:0", "http:x.mp4", "concat:a|b", "\u202e4pm.mp4", "é😀.mp4", "a\nb.mp4"]
)
def test_any_name_on_the_disk(media_dir: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(make(media_dir, "a.mp4").read_bytes())
    assert inspect(path).duration == pytest.approx(2, abs=0.12)


def test_a_codec_outside_the_list_is_unsupported(media_dir: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    ffmpeg("-t", "1", "-i", str(clip(media_dir, "small.mp4")), "-an", "-c:v", "snow", "-strict", "-2", str(path))
    error = refused(path)
    assert error.code.name == "unsupported_media"
    assert "snow" in error.detail


def test_the_child_has_bounded_memory(media_dir: Path) -> None:
    tight = replace(Limits(), memory_bytes=80 << 20)
    assert refused(make(media_dir, "a.mp4"), limits=tight).code.name == "corrupt_media"


def test_a_gap_before_reordered_frames_is_not_counted_twice(media_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "gap.mp4"
    # 29 frames, a second of nothing, four frames: the first to be decoded after the gap is the last to be shown.
    picture = "testsrc2=s=160x90:r=30:d=2.1333,select='lt(n,29)+gte(n,60)'"
    encoding = ("-fps_mode", "passthrough", "-c:v", "libx264", "-bf", "3", "-b_strategy", "0", "-pix_fmt", "yuv420p")
    ffmpeg("-f", "lavfi", "-i", picture, *encoding, str(target))
    assert probe.inspect(target, "gap.mp4").duration == pytest.approx(2.1333, abs=0.04)
