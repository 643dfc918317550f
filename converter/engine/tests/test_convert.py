"""Conversions of every kind of file, with proof of what was copied and what was encoded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.engine import operations, probe, run
from converter.engine.errors import MediaError
from converter.engine.media import AudioStream, Media, SubtitleStream, VideoStream
from converter.engine.operations.convert import ConvertParams
from converter.engine.params import specs
from converter.engine.remux.targets import TARGETS
from converter.engine.sound.formats import FORMATS
from converter.engine.tests import formats, making
from converter.engine.tests.making import FRIDAY, clip, difference, execute, ffmpeg, frames, times
from converter.engine.workbench import Workbench

QUICK = {"speed": "ultrafast", "quality": "small", "max_height": 90}
BARS = ("-f", "lavfi", "-i", "testsrc2=s=160x90:d=1")
X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


def made(tmp_path: Path, name: str, *arguments: str) -> Path:
    ffmpeg(*arguments, str(tmp_path / name))
    return tmp_path / name


def convert(path: Path, tmp_path: Path, **params: Any) -> run.Result:
    return execute("convert", [path], {"speed": "ultrafast", **params}, tmp_path)


def packets(path: Path, stream: str) -> bytes:
    """A hash of a stream's packets as they are stored."""
    return ffmpeg("-i", str(path), "-map", f"0:{stream}", "-c", "copy", "-f", "streamhash", "-")


def shown(result: run.Result) -> VideoStream:
    assert result.media.video is not None
    return result.media.video


@pytest.mark.parametrize("name", formats.MADE)
def test_every_kind_has_a_result_or_the_right_reason(media_dir: Path, tmp_path: Path, name: str) -> None:
    source = formats.make(media_dir, name)
    kind = probe.inspect(source, name).kind
    if kind == "video" or kind == "animation":
        result = convert(source, tmp_path, format="mp4", **QUICK)
        assert (result.media.container, shown(result).codec, shown(result).height) == ("mp4", "h264", 90)
        return
    wanted = {"audio": ("no_video", "format"), "image": ("unsupported_media", "upload")}[kind]
    with pytest.raises(MediaError) as caught:
        convert(source, tmp_path, format="mp4")
    assert (caught.value.code.name, caught.value.field) == wanted
    if kind == "audio":
        sound = convert(source, tmp_path, format="m4a").media
        assert (sound.container, sound.cover is not None) == ("m4a", name.startswith("cover."))


@pytest.mark.slow
@pytest.mark.parametrize("format_", [*TARGETS, *FORMATS])
@pytest.mark.parametrize("name", formats.MADE)
def test_every_kind_to_every_format(media_dir: Path, tmp_path: Path, name: str, format_: str) -> None:
    source = formats.make(media_dir, name)
    media = probe.inspect(source, name)
    try:
        result = convert(source, tmp_path, format=format_)
    except MediaError as error:
        missing = media.kind == "image" or (media.audio if format_ in FORMATS else media.video) is None
        assert missing and error.users, f"{error.code.name}: {error.log}"
        return
    assert result.path.suffix == f".{result.plan.extension}"
    assert result.size <= result.plan.size_range[1]


@pytest.mark.parametrize("format_", ["mov", "mkv"])
def test_a_remux_moves_the_very_packets(media_dir: Path, tmp_path: Path, format_: str) -> None:
    source = clip(media_dir, FRIDAY)
    result = convert(source, tmp_path, format=format_)
    for stream in ("v:0", "a:0"):
        assert packets(result.path, stream) == packets(source, stream)
    assert result.plan.expects.copied
    assert result.plan.commands[0].arguments.count("copy") == 2
    assert "Nothing is encoded again" in result.warnings[0]
    # A slow machine needs long for anything, but to encode it needs longer.
    spent = result.metrics.cpu_seconds
    assert spent < result.plan.work_seconds + 2 or spent < convert(source, tmp_path, format=format_, max_height=400).metrics.cpu_seconds / 2


def test_only_what_does_not_fit_is_encoded(media_dir: Path, tmp_path: Path) -> None:
    source = made(tmp_path, "a.mkv", "-t", "1", "-i", str(clip(media_dir, "small.mp4")), "-c:v", "copy", "-c:a", "libvorbis")
    result = convert(source, tmp_path, format="mp4")
    assert packets(result.path, "v:0") == packets(source, "v:0")
    assert result.media.audio is not None
    assert result.media.audio.codec == "aac"
    assert result.warnings[0] == "The picture is copied as it is; the sound is encoded as AAC."


def test_the_times_of_a_varying_rate_are_kept(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "gaps.mp4")
    for params in ({"format": "mkv"}, {"format": "mp4", "max_height": 90}):
        assert times(convert(source, tmp_path, **params).path) == pytest.approx(times(source), abs=0.001)
    constant = convert(source, tmp_path, format="avi")
    assert not shown(constant).variable_rate
    assert shown(constant).duration == pytest.approx(probe.inspect(source).duration, abs=0.35)


def test_rotation_is_kept_or_applied(media_dir: Path, tmp_path: Path) -> None:
    source = clip(media_dir, "rotated.mp4")
    before = probe.inspect(source).video
    assert before is not None
    for format_, rotation in (("mov", before.rotation), ("mkv", before.rotation), ("avi", 0)):
        video = shown(convert(source, tmp_path, format=format_))
        assert (video.rotation, video.width, video.height) == (rotation, before.width, before.height)


def test_wide_pixels_and_odd_sizes(media_dir: Path, tmp_path: Path) -> None:
    wide = shown(convert(clip(media_dir, "wide_pixels.mp4"), tmp_path, format="mkv"))
    assert (wide.sample_aspect, wide.width) == ("64/45", 256)
    assert shown(convert(clip(media_dir, "wide_pixels.mp4"), tmp_path, format="avi")).sample_aspect == "1/1"
    odd = made(tmp_path, "odd.mkv", "-f", "lavfi", "-i", "color=red:s=161x91:d=0.2", "-c:v", "ffv1", "-pix_fmt", "yuv444p")
    result = convert(odd, tmp_path, format="mp4")
    assert (shown(result).width, shown(result).height) == (160, 90)
    assert any("even numbers" in said for said in result.warnings)
    assert shown(convert(odd, tmp_path, format="mkv")).width == 161


def hdr(tmp_path: Path) -> Path:
    colours = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    master = "log-level=error:hdr10=1:master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1):max-cll=1000,400"
    return made(tmp_path, "hdr.mp4", *BARS, "-vf", colours, "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", master, "-tag:v", "hvc1")


@pytest.mark.parametrize(
    ("params", "codec", "transfer", "bits"),
    [
        ({"format": "mkv"}, "hevc", "smpte2084", 10),
        ({"format": "mp4", "hdr": "sdr"}, "h264", "bt709", 8),
        ({"format": "webm"}, "vp9", "bt709", 8),
        ({"format": "webm", "hdr": "keep"}, "vp9", "smpte2084", 10),
        ({"format": "mp4", "max_height": 64, "hdr": "keep"}, "hevc", "smpte2084", 10),
        ({"format": "mkv", "video_codec": "av1", "hdr": "keep"}, "av1", "smpte2084", 10),
    ],
)
def test_hdr(tmp_path: Path, params: dict[str, Any], codec: str, transfer: str, bits: int) -> None:
    result = convert(hdr(tmp_path), tmp_path, **params)
    video = shown(result)
    assert (video.codec, video.color_transfer, video.bit_depth) == (codec, transfer, bits)
    mapped = any("from HDR to SDR" in said for said in result.warnings)
    assert mapped == (transfer == "bt709")
    if transfer == "bt709":
        assert b"mdcv" not in result.path.read_bytes()


def test_ten_bits_transparency_and_fields(media_dir: Path, tmp_path: Path) -> None:
    ten = made(tmp_path, "ten.mp4", *BARS, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")
    assert shown(convert(ten, tmp_path, format="mov", video_codec="hevc")).bit_depth == 10
    assert shown(convert(ten, tmp_path, format="mp4")).bit_depth == 10
    everywhere = execute("convert", [ten], {"speed": "ultrafast"}, tmp_path, preset="plays-everywhere")
    assert shown(everywhere).bit_depth == 8
    clear = clip(media_dir, "see_through.mov")
    assert shown(convert(clear, tmp_path, format="webm")).has_alpha
    assert shown(convert(clear, tmp_path, format="mov", video_codec="prores")).has_alpha
    flat = convert(clear, tmp_path, format="mp4")
    assert any("black" in said for said in flat.warnings)
    fields = made(tmp_path, "f.mp4", "-f", "lavfi", "-i", "testsrc2=s=160x96:d=1", "-vf", "tinterlace=interleave_top", *X264, "-flags", "+ilme+ildct")
    assert shown(convert(fields, tmp_path, format="mkv")).interlaced
    joined = convert(fields, tmp_path, format="webm")
    assert not shown(joined).interlaced
    assert any("joined to whole frames" in said for said in joined.warnings)


def talkative(tmp_path: Path) -> Path:
    """A film with two languages, subtitles, chapters, names, and what nobody should pass on."""
    (tmp_path / "words").write_text(
        ";FFMETADATA1\ntitle=A\u202e film\nartist=Nobody\ndate=2024-05-04T10:11:12Z\nlocation=+50.1+14.4/\ncomment=serial 123\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=One\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1000\ntitle=Two\n"
    )
    (tmp_path / "s.srt").write_text("1\n00:00:00,100 --> 00:00:00,600\nHello\n\n")
    inputs = (
        *BARS,
        "-f",
        "lavfi",
        "-i",
        "sine=d=1",
        "-f",
        "lavfi",
        "-i",
        "sine=f=600:d=1",
        "-i",
        str(tmp_path / "s.srt"),
        "-i",
        str(tmp_path / "words"),
    )
    maps = ("-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map_metadata", "4", "-map_chapters", "4")
    languages = (
        "-metadata:s:a:0",
        "language=eng",
        "-metadata:s:a:1",
        "language=ces",
        "-metadata:s:s:0",
        "language=eng",
        "-metadata:s:v:0",
        "title=serial 123",
    )
    return made(tmp_path, "film.mkv", *inputs, *maps, *languages, *X264, "-c:a", "aac", "-c:s", "srt")


def test_words_go_along_and_secrets_do_not(tmp_path: Path) -> None:
    source = talkative(tmp_path)
    for format_, subtitle in (("mp4", "mov_text"), ("mov", "mov_text"), ("mkv", "subrip"), ("webm", "webvtt")):
        media, data = (result := convert(source, tmp_path, format=format_)).media, result.path.read_bytes()
        assert dict(media.tags) == {"title": "A film", "artist": "Nobody"}
        assert [chapter.title for chapter in media.chapters] == ["One", "Two"]
        assert [chapter.start for chapter in media.chapters] == pytest.approx([0, 0.5], abs=0.02)
        assert [(stream.codec, stream.text) for stream in media.subtitles] == [(subtitle, True)]
        assert media.audios[0].language == "eng"
        assert len(media.audios) == 2
        assert b"serial 123" not in data
        assert b"14.4" not in data
    assert convert(source, tmp_path, format="mkv").media.audios[1].language == "ces"


def test_words_can_be_left_out(tmp_path: Path) -> None:
    wishes = {"keep_names": False, "keep_chapters": False, "keep_subtitles": False, "sounds": "first"}
    media = convert(talkative(tmp_path), tmp_path, format="mp4", **wishes).media
    assert (media.tags, media.chapters, media.subtitles, len(media.audios)) == ((), (), (), 1)
    avi = convert(talkative(tmp_path), tmp_path, format="avi")
    assert {said.split()[0] for said in avi.warnings} >= {"Subtitles", "The"}
    assert avi.media.subtitles == ()


def test_a_copy_that_fails_is_encoded_instead(media_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Workbench.ffmpeg

    def refuse(bench: Workbench, command: Any, *more: Any) -> None:
        if "copy" in command.arguments:
            raise MediaError("tool_failed", log="the muxer can't write this")
        first(bench, command, *more)

    monkeypatch.setattr(Workbench, "ffmpeg", refuse)
    result = convert(clip(media_dir, "small.mp4"), tmp_path, format="mkv")
    assert shown(result).codec == "h264"
    assert any("encoded again" in said for said in result.warnings)
    assert difference(frames(result.path)[0], frames(clip(media_dir, "small.mp4"))[0]) < 4
    with pytest.raises(MediaError):
        convert(clip(media_dir, "small.mp4"), tmp_path, format="mkv", video_codec="copy")


def test_surround_to_a_format_that_plays_everywhere(tmp_path: Path) -> None:
    source = made(tmp_path, "s.mkv", *BARS, "-f", "lavfi", "-i", "aevalsrc=0.1*sin(400*t)|0|0|0|0|0:c=5.1:d=1", *X264, "-c:a", "ac3")
    kept = convert(source, tmp_path, format="mp4").media.audio
    stereo = execute("convert", [source], {}, tmp_path, preset="plays-everywhere").media.audio
    assert kept is not None
    assert stereo is not None
    assert (kept.codec, kept.channels, stereo.codec, stereo.channels) == ("ac3", 6, "aac", 2)


def test_tiny_and_single(tmp_path: Path) -> None:
    dot = made(tmp_path, "dot.gif", "-f", "lavfi", "-i", "color=red:s=1x1:d=0.3:r=10", "-f", "gif")
    one = made(tmp_path, "one.mkv", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.04", "-c:v", "ffv1")
    for source in (dot, one):
        for format_ in ("mp4", "webm", "mov", "avi"):
            assert convert(source, tmp_path, format=format_).size > 0


def test_pictures_as_subtitles_and_data_are_left_out_aloud() -> None:
    film = making.media(subtitles=(SubtitleStream(2, "hdmv_pgs_subtitle", False), SubtitleStream(3, "subrip", True)), streams=5)
    said = " ".join(run.plan("convert", [film], {"format": "mp4"}).warnings)
    assert "Subtitles that are pictures" in said
    assert "Data streams" in said
    kept = run.plan("convert", [film], {"format": "mkv"})
    assert "pictures" not in " ".join(kept.warnings)
    assert "0:2" in kept.commands[0].arguments


BAD: list[tuple[Mapping[str, Any], str, str]] = [
    ({"format": "gif"}, "bad_parameter", "format"),
    ({"format": "webm", "video_codec": "copy"}, "bad_parameter", "video_codec"),
    ({"format": "webm", "video_codec": "h264"}, "bad_parameter", "video_codec"),
    ({"format": "mp4", "video_codec": "copy", "max_height": 100}, "bad_parameter", "video_codec"),
    ({"format": "webm", "audio_codec": "copy"}, "bad_parameter", "audio_codec"),
    ({"format": "mp4", "audio_codec": "pcm"}, "bad_parameter", "audio_codec"),
    ({"format": "mp3", "audio_codec": "copy"}, "bad_parameter", "audio_codec"),
    ({"format": "mp3", "audio_codec": "flac"}, "bad_parameter", "audio_codec"),
]


@pytest.mark.parametrize(("params", "code", "field"), BAD)
def test_bad_wishes(params: Mapping[str, Any], code: str, field: str) -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("convert", [making.media()], params)
    assert (caught.value.code.name, caught.value.field) == (code, field)


def test_hdr_needs_a_codec_for_it() -> None:
    film = making.media(picture=making.video(color_transfer="smpte2084", codec="hevc", bit_depth=10))
    with pytest.raises(MediaError) as caught:
        run.plan("convert", [film], {"video_codec": "h264", "hdr": "keep"})
    assert caught.value.field == "hdr"


def test_no_sound_and_no_picture() -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("convert", [making.media(sound=False)], {"format": "wav"})
    assert caught.value.code.name == "no_audio"
    silent = run.plan("convert", [making.media(sound=False)], {"format": "mkv"})
    assert not silent.expects.audio


CONVERT = operations.get("convert")
CHOICES = {spec.name: st.sampled_from([name for name, _ in spec.choices]) for spec in specs(ConvertParams) if spec.choices}
PICTURES = st.sampled_from(["h264", "hevc", "vp9", "prores", "gif", "theora", "wmv2"])
SOUNDS = st.sampled_from([("aac", 2), ("opus", 6), ("pcm_s24le", 1), ("wmav2", 2), ("pcm_u8", 16)])


@st.composite
def films(draw: st.DrawFn) -> Media:
    codec, channels = draw(SOUNDS)
    picture = making.video(
        draw(st.integers(1, 4096)), draw(st.integers(1, 4096)), codec=draw(PICTURES), rotation=draw(st.sampled_from([0, 90])),
        bit_depth=draw(st.sampled_from([8, 10])), color_transfer=draw(st.sampled_from(["bt709", "arib-std-b67"])), has_alpha=draw(st.booleans()),
    )  # fmt: skip
    audio = AudioStream(1, codec, channels, f"{channels} channels", 44100)
    return replace(making.media(picture=picture), audios=(audio,) * draw(st.integers(0, 3)))


@given(films(), st.fixed_dictionaries({}, optional={**CHOICES, "max_height": st.integers(60, 4000), "fps": st.floats(0, 130)}))
def test_every_wish_has_a_plan_or_a_reason(film: Media, raw: dict[str, Any]) -> None:
    try:
        params = CONVERT.read(raw)
        plan = CONVERT.plan((film,), params)
    except MediaError as error:
        assert error.users
        assert error.detail.endswith(".")
        return
    assert 0 <= plan.size_range[0] <= plan.size_range[1]
    assert plan.work_seconds > 0
    assert CONVERT.read(CONVERT.stored(params)) == params
    width, height = plan.expects.width, plan.expects.height
    assert "copy" in plan.commands[0].arguments or width is None or (width % 2, height and height % 2) == (0, 0)
