"""Every operation on every kind of file: a verified result, or one sentence that says why not; never anything in between.

Nothing here knows what an operation does. A new one is in the matrix by being in the registry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from converter.engine import probe, run
from converter.engine.errors import MediaError
from converter.engine.media import Media
from converter.engine.operations import all_operations
from converter.engine.params import specs
from converter.engine.tests import formats, making

SHORT: Mapping[str, Any] = {"start": 0.2, "duration": 0.6, "width": 64, "fps": 5, "speed": None}
"""What keeps a run cheap; each operation takes what it has a parameter for."""
OWN: Mapping[str, Mapping[str, Any]] = {
    "pipeline": {"steps": [{"operation": "trim", "params": {"start": 0.2, "duration": 0.6}}, {"operation": "frames"}]},
    "loop": {"duration": 0.8, "search": 0.2},
}
ODD = (
    *("rotated.mp4", "gaps.mp4", "wide_pixels.mp4", "late_picture.mp4", "offset.ts", "see_through.mov", "red.mp4", "noise.mp4"),
    *("ten_bit.mp4", "one_frame.mp4", "dot.png", "huge.png", "unknown_length.webm"),
)
"""Files whose oddity is not their format; the last ones are made here."""
_MADE: Mapping[str, tuple[str, ...]] = {
    "ten_bit.mp4": ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"),
    "one_frame.mp4": ("-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=0.1", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    "dot.png": ("-f", "lavfi", "-i", "color=red:s=1x1", "-frames:v", "1", "-update", "1"),
    "huge.png": ("-f", "lavfi", "-i", "color=navy:s=7680x4320", "-frames:v", "1", "-update", "1"),
    "unknown_length.webm": (
        *("-f", "lavfi", "-i", "testsrc2=s=96x64:r=10:d=1", "-c:v", "libvpx", "-deadline", "realtime"),
        *("-live", "1", "-f", "webm"),
    ),
}


def _file(media_dir: Path, name: str) -> Path:
    if name in formats.MADE:
        return formats.make(media_dir, name)
    if name not in _MADE:
        return making.clip(media_dir, name)
    target = media_dir / "matrix" / name
    if not target.exists():
        target.parent.mkdir(exist_ok=True)
        making.ffmpeg(*_MADE[name], str(target))
    return target


@cache
def _probed(path: Path) -> Media:
    return probe.inspect(path, path.name)


def _params(operation: str) -> dict[str, Any]:
    known = {spec.name: spec for spec in specs(all_operations()[operation].params)}
    chosen = {name: value for name, value in SHORT.items() if name in known and value is not None}
    if "end" in known and "duration" not in known and "start" in known:
        chosen["end"] = 0.8
    return {**chosen, **OWN.get(operation, {})} if operation != "pipeline" else dict(OWN["pipeline"])


def _one_sentence(error: MediaError) -> bool:
    return error.users and error.detail.rstrip().endswith(".") and "\n" not in error.detail and len(error.detail) <= 300


@pytest.mark.slow
@pytest.mark.parametrize("name", [*formats.MADE, *ODD])
@pytest.mark.parametrize("operation", sorted(all_operations()))
def test_every_operation_on_every_kind_of_file(media_dir: Path, tmp_path: Path, operation: str, name: str) -> None:
    path = _file(media_dir, name)
    media, before = _probed(path), path.stat()
    params = _params(operation)
    try:
        planned = run.plan(operation, [media], params)
        json.dumps(planned.as_dict())
        result = run.execute(operation, [run.Source(path, media)], params, work=tmp_path)
    except MediaError as error:
        assert _one_sentence(error), f"{error.code.name}: {error.detail} {error.log}"
        return
    assert result.path.is_file()
    assert result.size == result.path.stat().st_size > 0
    expects = result.plan.expects
    # A clip in which nothing moves makes an animation of one picture.
    assert result.media.kind == expects.kind or (expects.kind, expects.frames) == ("animation", 1)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)


def _ranged() -> list[str]:
    names = []
    for name, operation in all_operations().items():
        known = {spec.name for spec in specs(operation.params)}
        if "start" in known and known & {"end", "duration"}:
            names.append(name)
    return names


def _refusal(operation: str, media: Media, **params: Any) -> MediaError:
    with pytest.raises(MediaError) as caught:
        run.plan(operation, [media], params)
    assert _one_sentence(caught.value), caught.value.detail
    return caught.value


def _moving(operation: str) -> Media:
    sound_only = "video" not in all_operations()[operation].accepts
    return making.media() if not sound_only else replace(making.media(), kind="audio", videos=())


@pytest.mark.parametrize("operation", _ranged())
def test_every_range_is_held_against_the_clip(operation: str) -> None:
    media, known = _moving(operation), {spec.name for spec in specs(all_operations()[operation].params)}
    late = _refusal(operation, media, start=100.0)
    assert (late.code.name, late.field) == ("start_past_end", "start")
    for name in known & {"end", "duration"}:
        value = {"end": 2.0, "duration": 0.0}[name]
        empty = _refusal(operation, media, start=2.0, **{name: value})
        assert (empty.code.name, empty.field) == ("empty_range", name)


TARGETS = {"target_mb": 1e6, "target_kb": 1e3, "max_mb": 1e6}
"""Parameters that name a largest size, and their unit in bytes."""


@pytest.mark.parametrize("operation", sorted(all_operations()))
def test_a_size_that_can_not_be_met_is_refused_or_bounds_the_plan(operation: str) -> None:
    bounds = {spec.name: spec.minimum for spec in specs(all_operations()[operation].params) if spec.name in TARGETS}
    long = replace(_moving(operation), duration=3600.0)
    for name, least in bounds.items():
        assert least is not None
        for media in (long, making.media()):
            if media.kind not in all_operations()[operation].accepts:
                continue
            try:
                planned = run.plan(operation, [media], {name: least})
            except MediaError as error:
                assert _one_sentence(error), error.detail
                assert (error.code.name, error.field) in (("target_unreachable", name), ("too_many_pixels", "duration")), error.detail
            else:
                assert planned.size_range[1] <= least * TARGETS[name]


def _damaged(source: Path, target: Path, how: str) -> Path:
    raw = bytearray(source.read_bytes())
    if how == "tail":
        raw = raw[: len(raw) * 6 // 10]
    else:
        middle = len(raw) // 2
        raw[middle : middle + len(raw) // 5] = b"\x55" * (len(raw) // 5)
    target.write_bytes(raw)
    return target


@pytest.mark.slow
@pytest.mark.parametrize("how", ["middle", "tail"])
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts", "p.png", "p.jpg", "a.flac", "moving.gif"])
@pytest.mark.parametrize("operation", sorted(all_operations()))
def test_damage_is_named_or_survived(media_dir: Path, tmp_path: Path, operation: str, name: str, how: str) -> None:
    path = _damaged(_file(media_dir, name), tmp_path / name, how)
    work = tmp_path / "work"
    work.mkdir()
    try:
        media = probe.inspect(path, name)
        result = run.execute(operation, [run.Source(path, media)], _params(operation), work=work)
    except MediaError as error:
        assert _one_sentence(error), f"{error.code.name}: {error.detail} {error.log}"
    else:
        assert result.size > 0
