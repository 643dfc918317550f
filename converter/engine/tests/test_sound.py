"""Sound: formats, channels, parts, pauses and levels, listened to with meters of the tests' own."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.engine import operations, run
from converter.engine.errors import MediaError
from converter.engine.media import AudioStream
from converter.engine.sound import formats, levels, pauses
from converter.engine.sound.formats import CODERS, FORMATS
from converter.engine.sound.levels import Gain, Loudness, Meter
from converter.engine.sound.pauses import Keep
from converter.engine.tests import making
from converter.engine.tests.making import FLOWER, FRIDAY, clip, execute, ffmpeg

LOSSLESS = ("flac", "alac", "wav", "aiff")
VOICE = (
    "aevalsrc='0.3*sin(2*PI*180*t)*(0.6+0.4*sin(2*PI*5*t))*between(t,1,2)+0.25*sin(2*PI*230*t)*between(t,3.5,4.5)+0.001*(random(0)-0.5)':s=48000:d=6"
)
"""A second of sound from 1 and from 3.5, over noise at about -70 dB."""


def made(tmp_path: Path, name: str, source: str, *more: str) -> Path:
    """A sound from a lavfi source."""
    path = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", source, *more, str(path))
    return path


def samples(path: Path) -> array[int]:
    """All channels, interleaved, 16 bits."""
    return array("h", ffmpeg("-i", str(path), "-map", "0:a:0", "-f", "s16le", "-c:a", "pcm_s16le", "-"))


def loudness(path: Path) -> Loudness:
    """By ffmpeg's meter alone."""
    meter = Meter()
    meter.feed(ffmpeg("-i", str(path), "-map", "0:a:0", "-af", ",".join(Meter.filters), "-f", "null", "-"))
    return meter.loudness


def peak(path: Path) -> float:
    return max(map(abs, samples(path))) / 32768


def stream(codec: str = "aac", channels: int = 2, layout: str = "stereo", rate: int = 48000, **more: Any) -> AudioStream:
    return AudioStream(0, codec, channels, layout, rate, **more)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(media_dir: Path, tmp_path: Path, name: str) -> None:
    result = execute("audio", [clip(media_dir, FRIDAY)], {"format": name, "quality": "small"}, tmp_path)
    sound = result.media.audio
    assert sound is not None
    assert (result.media.kind, result.media.container, result.path.suffix[1:]) == ("audio", FORMATS[name].container.name, result.plan.extension)
    low, high = result.plan.size_range
    assert low <= result.size <= high
    if name in LOSSLESS:
        assert samples(result.path)[:48000] == samples(clip(media_dir, FRIDAY))[:48000]


@pytest.mark.parametrize(("name", "format_"), [("vp8.webm", "ogg"), ("sound.mp3", "mp3"), (FLOWER, "m4a"), ("sound.wav", "wav"), (FLOWER, "same")])
def test_what_fits_is_copied(media_dir: Path, tmp_path: Path, name: str, format_: str) -> None:
    source = clip(media_dir, name)
    result = execute("audio", [source], {"format": format_}, tmp_path)
    assert result.plan.expects.copied
    assert any("copied as it is" in said for said in result.warnings)
    packets = [ffmpeg("-i", str(path), "-map", "0:a:0", "-c", "copy", "-f", "streamhash", "-") for path in (source, result.path)]
    assert packets[0] == packets[1]


def test_parts_are_exact_to_the_sample_and_join_without_a_click(media_dir: Path, tmp_path: Path) -> None:
    source = samples(clip(media_dir, "sound.wav"))
    parts = [{"start": 2, "end": 2.5}, {"start": "0:00.5", "end": 1.25}]
    result = execute("audio", [clip(media_dir, "sound.wav")], {"format": "wav", "ranges": parts}, tmp_path)
    found = samples(result.path)
    assert len(found) == 2 * 48000 * 5 // 4
    inner = 2 * 48000 // 100
    assert found[: 48000 - inner] == source[4 * 48000 : 4 * 48000 + 48000 - inner]
    assert found[48000 + inner :] == source[48000 + inner : 2 * 60000]
    assert max(map(abs, found[48000 - 4 : 48000 + 4])) < 300


def test_several_parts_of_compressed_sound_in_a_video(media_dir: Path, tmp_path: Path) -> None:
    parts = [{"start": 3, "end": 3.5}, {"start": 1, "end": 1.75}]
    result = execute("audio", [clip(media_dir, FLOWER)], {"format": "flac", "ranges": parts}, tmp_path)
    assert len(samples(result.path)) == 2 * 60000


@pytest.mark.parametrize(("target", "ceiling", "format_"), [(-16, -1, "mp3"), (-23, -1, "wav"), (-14, -1.5, "m4a"), (-14, -1, "opus")])
def test_loudness_is_met(tmp_path: Path, target: float, ceiling: float, format_: str) -> None:
    source = made(tmp_path, "voice.wav", f"{VOICE},volume=0.3")
    params = {"format": format_, "level": "loudness", "lufs": target, "peak_db": ceiling}
    heard = loudness(execute("audio", [source], params, tmp_path).path)
    assert heard.integrated == pytest.approx(target, abs=0.5)
    assert heard.peak <= ceiling + 0.1


def test_peaks_that_leave_no_room_are_limited(tmp_path: Path) -> None:
    # A quiet tone with short loud bursts: a gain alone would put the bursts 10 dB above full scale.
    bursts = "aevalsrc='0.04*sin(2*PI*440*t)+0.7*sin(2*PI*997*t)*lt(mod(t,1),0.01)':s=48000:d=6"
    result = execute("audio", [made(tmp_path, "a.wav", bursts)], {"format": "flac", "level": "loudness", "lufs": -18}, tmp_path)
    heard = loudness(result.path)
    assert heard.integrated == pytest.approx(-18, abs=0.5)
    assert heard.peak <= -0.9


def test_dynamics_stay_where_there_is_room(tmp_path: Path) -> None:
    steps = "aevalsrc='0.1*sin(2*PI*440*t)*(1-0.9*gt(t,3))':s=48000:d=6"
    source = made(tmp_path, "a.wav", steps)
    found, before = samples(execute("audio", [source], {"format": "wav", "level": "loudness"}, tmp_path).path), samples(source)
    factors = [max(map(abs, found[at : at + 4800])) / max(map(abs, before[at : at + 4800])) for at in (48000, 4 * 48000)]
    assert factors[0] == pytest.approx(factors[1], rel=0.02)


def test_peak_normalising(tmp_path: Path) -> None:
    source = made(tmp_path, "a.wav", "sine=f=440:d=1,volume=0.2")
    assert peak(execute("audio", [source], {"format": "flac", "level": "peak", "peak_db": -6}, tmp_path).path) == pytest.approx(0.501, abs=0.01)


@pytest.mark.parametrize("level", ["loudness", "peak"])
@pytest.mark.parametrize(("source", "said"), [("anullsrc=d=1", "nothing to normalise"), ("sine=d=0.1", "")])
def test_silence_and_moments_have_no_loudness(tmp_path: Path, level: str, source: str, said: str) -> None:
    result = execute("audio", [made(tmp_path, "a.wav", source)], {"format": "wav", "level": level, "fade_in": 0.01}, tmp_path)
    assert any(said in sentence for sentence in (*result.warnings, ""))


def test_pauses_are_shortened_and_no_word_is_eaten(tmp_path: Path) -> None:
    source = made(tmp_path, "a.wav", VOICE)
    result = execute("audio", [source], {"format": "wav", "silence": "all", "silence_padding": 0.2}, tmp_path)
    # 1 + 1 seconds of sound with 0.2 before and after each.
    assert result.media.duration == pytest.approx(2.8, abs=0.08)
    energy = [sum(value * value for value in samples(path)) for path in (source, result.path)]
    assert energy[1] == pytest.approx(energy[0], rel=0.001)
    assert any("silence was cut" in said for said in result.warnings)


def test_only_the_ends_are_cut(tmp_path: Path) -> None:
    result = execute("audio", [made(tmp_path, "a.wav", VOICE)], {"format": "wav", "silence": "ends", "silence_padding": 0.1}, tmp_path)
    assert result.media.duration == pytest.approx(3.7, abs=0.08)
    silent = made(tmp_path, "silent.wav", "anullsrc=d=1:r=8000:cl=mono")
    kept = execute("audio", [silent], {"format": "wav", "silence": "ends"}, tmp_path)
    assert kept.media.duration == pytest.approx(1, abs=0.03)
    assert any("nothing was cut" in said for said in kept.warnings)


def test_pauses_level_fades_and_speed_at_once(tmp_path: Path) -> None:
    params = {"format": "m4a", "silence": "all", "level": "loudness", "lufs": -20, "fade_in": 0.3, "fade_out": 0.3, "speed": 2, "channels": "mono"}
    result = execute("audio", [made(tmp_path, "a.flac", VOICE, "-ac", "2")], params, tmp_path)
    assert result.media.duration == pytest.approx(1.4, abs=0.1)
    assert loudness(result.path).integrated == pytest.approx(-20, abs=0.5)
    assert result.media.audio is not None
    assert result.media.audio.channels == 1


def test_speed_keeps_the_pitch(tmp_path: Path) -> None:
    result = execute("audio", [made(tmp_path, "a.wav", "sine=f=1000:d=3:r=48000")], {"format": "wav", "speed": 1.5}, tmp_path)
    found = samples(result.path)
    middle = found[len(found) // 3 : len(found) // 3 + 24000]
    crossings = sum(1 for one, two in pairwise(middle) if one < 0 <= two)
    assert result.media.duration == pytest.approx(2, abs=0.05)
    assert crossings == pytest.approx(500, abs=8)


def test_fades(tmp_path: Path) -> None:
    source = made(tmp_path, "a.wav", "sine=f=1000:d=2:r=48000")
    found = samples(execute("audio", [source], {"format": "wav", "fade_in": 0.5, "fade_out": 1}, tmp_path).path)
    loudest = [max(map(abs, found[at : at + 960])) for at in (0, 36000, 94000)]
    assert loudest[0] < 0.1 * loudest[1] > loudest[2]


@pytest.mark.parametrize(
    ("format_", "target"), [("mp3", 0.025), ("m4a", 0.025), ("opus", 0.025), ("mp3", 0.1), ("m4a", 0.1), ("opus", 0.1), ("ogg", 0.1)]
)
def test_never_above_the_wanted_size(tmp_path: Path, format_: str, target: float) -> None:
    source = made(tmp_path, "a.flac", "anoisesrc=d=8:r=44100:a=0.5:seed=1", "-ac", "2")
    result = execute("audio", [source], {"format": format_, "target_mb": target}, tmp_path)
    assert result.size <= target * 1_000_000
    assert result.size >= 0.4 * target * 1_000_000


def test_surround_to_stereo_keeps_its_level_and_its_centre(tmp_path: Path) -> None:
    tones = "aevalsrc=0.2*sin(2*PI*400*t)|0|0.2*sin(2*PI*700*t)|0.5*sin(2*PI*50*t)|0|0:c=5.1:s=48000:d=1"
    result = execute("audio", [made(tmp_path, "a.wav", tones)], {"format": "wav", "channels": "stereo"}, tmp_path)
    found = samples(result.path)
    left, right = (max(map(abs, found[side : 2 * 48000 : 2])) / 32768 for side in (0, 1))
    assert (left, right) == (pytest.approx(0.341, abs=0.01), pytest.approx(0.141, abs=0.01))


def test_mono_is_the_mean(tmp_path: Path) -> None:
    source = made(tmp_path, "a.wav", "aevalsrc=0.8*sin(2*PI*400*t)|0.8*sin(2*PI*400*t):s=48000:d=1")
    assert peak(execute("audio", [source], {"format": "wav", "channels": "mono"}, tmp_path).path) == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize("layout", ["2.1", "5.1(side)", "7.1", "hexadecagonal"])
def test_layouts_that_codecs_know_or_not(tmp_path: Path, layout: str) -> None:
    source = made(tmp_path, "a.wav", f"sine=d=0.2,pan={layout}|c0=c0")
    for format_ in FORMATS:
        result = execute("audio", [source], {"format": format_}, tmp_path)
        assert result.media.audio is not None


@pytest.mark.parametrize("rate", [8000, 88200, 192_000])
def test_rates_that_codecs_know_or_not(tmp_path: Path, rate: int) -> None:
    source = made(tmp_path, "a.wav", f"sine=d=0.3:r={rate}")
    for format_ in FORMATS:
        sound = execute("audio", [source], {"format": format_}, tmp_path).media.audio
        assert sound is not None
        assert sound.sample_rate == (rate if format_ in LOSSLESS else formats.nearest_rate(CODERS[FORMATS[format_].codec], rate))


@pytest.mark.parametrize("format_", FORMATS)
def test_one_sample_is_a_sound(tmp_path: Path, format_: str) -> None:
    source = made(tmp_path, "a.wav", "sine=d=1,atrim=end_sample=1")
    assert execute("audio", [source], {"format": format_, "fade_out": 0.001}, tmp_path).size > 0


def test_deep_sound_stays_deep(tmp_path: Path) -> None:
    source = made(tmp_path, "a.wav", "sine=d=0.2,volume=0.001", "-c:a", "pcm_s24le")
    for format_ in ("flac", "alac", "aiff"):
        found = ffmpeg("-i", str(execute("audio", [source], {"format": format_}, tmp_path).path), "-f", "s32le", "-c:a", "pcm_s32le", "-")
        assert found == ffmpeg("-i", str(source), "-f", "s32le", "-c:a", "pcm_s32le", "-")
    sound = execute("audio", [source], {"format": "aiff", "depth": "16"}, tmp_path).media.audio
    assert sound is not None
    assert sound.codec == "pcm_s16be"


def test_names_cover_and_chapters(tmp_path: Path) -> None:
    words = ";FFMETADATA1\ntitle=A song\nartist=Nobody\ndate=2019-05-04T10:11:12Z\nlocation=+50.1+14.4/\ncomment=serial 123\n"
    words += "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=First\\; with \\= signs\n"
    words += "[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1000\n"
    (tmp_path / "words").write_text(words)
    inputs = ("-f", "lavfi", "-i", "sine=d=1", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=0.04", "-i", str(tmp_path / "words"))
    maps = ("-map", "0", "-map", "1", "-map_metadata", "2", "-map_chapters", "2", "-c:v", "mjpeg", "-disposition:v", "attached_pic")
    ffmpeg(*inputs, *maps, str(tmp_path / "a.m4a"))
    for format_, cover in (("mp3", True), ("m4a", True), ("flac", True), ("aiff", True), ("opus", False)):
        result = execute("audio", [tmp_path / "a.m4a"], {"format": format_}, tmp_path)
        assert dict(result.media.tags) == {"title": "A song", "artist": "Nobody", "date": "2019"}
        assert (result.media.cover is not None) == cover
        assert b"serial 123" not in result.path.read_bytes()
        assert b"14.4" not in result.path.read_bytes()
        chapters = [chapter.title for chapter in result.media.chapters]
        assert chapters == (["First; with = signs", "Chapter 2"] if format_ in ("mp3", "m4a", "aiff") else [])
        assert any("Chapters are left out" in said for said in result.warnings) == (not chapters)
    bare = execute("audio", [tmp_path / "a.m4a"], {"format": "mp3", "keep_names": False, "keep_cover": False, "keep_chapters": False}, tmp_path).media
    assert (bare.tags, bare.cover, bare.chapters) == ((), None, ())


BAD: list[tuple[Mapping[str, Any], str, str | None]] = [
    ({"track": 2}, "bad_parameter", "track"),
    ({"start": 10}, "start_past_end", "start"),
    ({"start": 2, "end": 2}, "empty_range", None),
    ({"end": 1, "duration": 1}, "bad_parameter", "end"),
    ({"ranges": [{"start": 3, "end": 1}]}, "empty_range", None),
    ({"ranges": [{"start": 3}]}, "bad_parameter", "ranges[0]"),
    ({"ranges": [{"start": 0, "end": 1}], "start": 1}, "bad_parameter", "ranges"),
    ({"target_mb": 1, "kbps": 64}, "bad_parameter", "kbps"),
    ({"target_mb": 1, "format": "flac"}, "bad_parameter", "target_mb"),
    ({"target_mb": 0.01, "duration": 600}, "target_unreachable", "target_mb"),
    ({"format": "gif"}, "bad_parameter", "format"),
]


@pytest.mark.parametrize(("params", "code", "field"), BAD)
def test_bad_wishes(params: Mapping[str, Any], code: str, field: str | None) -> None:
    long = making.media(duration=3000.0) if "duration" in params and code == "target_unreachable" else making.media(duration=5.0)
    with pytest.raises(MediaError) as caught:
        run.plan("audio", [long], params)
    assert caught.value.code.name == code
    assert field is None or caught.value.field == field


def test_no_sound() -> None:
    with pytest.raises(MediaError) as caught:
        run.plan("audio", [making.media(sound=False)], {})
    assert caught.value.code.name == "no_audio"


SOUND = operations.get("audio")
KINDS = [
    ("aac", 2, "stereo", 48000),
    ("pcm_s24le", 1, "1 channels", 192_000),
    ("dts", 6, "5.1(side)", 48000),
    ("pcm_u8", 16, "16 channels", 8000),
]


@given(st.fixed_dictionaries({}, optional={
    "format": st.sampled_from(["same", *FORMATS]), "quality": st.sampled_from(list(formats.QUALITIES)), "start": st.floats(-5, 40),
    "end": st.floats(-5, 40), "kbps": st.integers(0, 2000), "target_mb": st.floats(0, 100), "lufs": st.floats(-50, 5), "speed": st.floats(0, 5),
    "level": st.sampled_from(["keep", "loudness", "peak"]), "silence": st.sampled_from(["keep", "ends", "all"]), "fade_in": st.floats(0, 50),
    "fade_out": st.floats(0, 50), "sample_rate": st.integers(0, 200_000), "channels": st.sampled_from(list(formats.CHANNELS)),
    "depth": st.sampled_from(list(formats.DEPTHS)),
}), st.sampled_from(KINDS))  # fmt: skip
def test_every_wish_has_a_plan_or_a_reason(raw: dict[str, Any], kind: tuple[str, int, str, int]) -> None:
    codec, channels, layout, rate = kind
    media = making.media(duration=30.0, audios=(stream(codec, channels, layout, rate),))
    try:
        params = SOUND.read(raw)
        plan = SOUND.plan((media,), params)
    except MediaError as error:
        assert error.users
        return
    assert 0 <= plan.size_range[0] <= plan.size_range[1]
    assert plan.work_seconds > 0
    assert SOUND.read(SOUND.stored(params)) == params
    if raw.get("target_mb"):
        assert plan.size_range[1] <= raw["target_mb"] * 1_000_000 + 1


@given(st.lists(st.floats(-100, 0), max_size=400), st.floats(-75, -30), st.floats(0, 0.5), st.floats(0.1, 3), st.booleans())
def test_kept_pieces(found: list[float], limit: float, padding: float, longer: float, inner: bool) -> None:
    keeps = pauses.kept(found, limit, seconds=0.02, padding=padding, longer=longer, inner=inner)
    assert all(0 <= keep.first < keep.end <= len(found) for keep in keeps)
    assert all(one.end < two.first for one, two in pairwise(keeps))
    inside = {place for keep in keeps for place in range(keep.first, keep.end)}
    loud = [level >= limit for level in found]
    assert all(place in inside for place in range(1, len(found)) if loud[place] and loud[place - 1])
    if not inner:
        assert len(keeps) <= 1


@given(st.lists(st.integers(1, 9), min_size=2, max_size=40))
def test_the_search_tree_says_what_the_list_says(steps: list[int]) -> None:
    edges = [sum(steps[: n + 1]) for n in range(len(steps) // 2 * 2)]
    keeps = [Keep(first, end) for first, end in zip(edges[::2], edges[1::2], strict=True)]
    text = pauses.expression(keeps).replace("if(", "choose(")
    words = {"choose": lambda test, one, two: one if test else two, "lt": lambda a, b: a < b, "between": lambda n, a, b: a <= n <= b}
    for n in range(edges[-1] + 2):
        assert bool(eval(text, {}, {**words, "n": n})) == any(keep.first <= n < keep.end for keep in keeps)


@given(st.floats(-69, 0), st.floats(-60, 3), st.floats(-30, -8), st.floats(-6, 0))
def test_gains(integrated: float, top: float, target: float, ceiling: float) -> None:
    gain = levels.to_loudness(Loudness(integrated, top), target, ceiling, lambda gain: Loudness(integrated + gain.gain - 0.5, ceiling))
    if gain.ceiling is None:
        assert top + gain.gain <= ceiling
        assert integrated + gain.gain == pytest.approx(target)
    else:
        assert integrated + gain.gain - 0.5 == pytest.approx(target, abs=levels.CLOSE + 0.01)
    assert levels.to_peak(Loudness(integrated, top), ceiling).gain == pytest.approx(ceiling - top)
    assert levels.to_loudness(Loudness(-math.inf, -math.inf), target, ceiling, lambda _: Loudness(0, 0)) == Gain()


def test_the_threshold_lies_between_noise_and_voice() -> None:
    for noise, voice in ((-60, -20), (-45, -15), (-80, -35)):
        limit = pauses.threshold([noise] * 50 + [voice] * 50)
        assert noise + 5 < limit < voice - 8
    assert pauses.threshold([-20.0] * 100) <= -29
    assert pauses.threshold([]) == pauses.threshold([-200.0] * 5)
