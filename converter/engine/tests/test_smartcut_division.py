"""Which pictures a smart cut copies: arithmetic, on made-up decode orders."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from converter.engine.errors import MediaError
from converter.engine.ranges import Range, cuts, shot
from converter.engine.smartcut import division, nal
from converter.engine.smartcut.division import CLEAN, KEY
from converter.engine.tests import making

STEP = 100


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[int], list[int]]:
    """Decode order and flags of closed and open groups with B pictures between their references."""
    pts: list[int] = []
    flags: list[int] = []
    shown = 0
    for number in range(draw(st.integers(1, 5))):
        is_open = number > 0 and draw(st.booleans())
        for place, between in enumerate(draw(st.lists(st.integers(0, 3), min_size=1, max_size=6))):
            # A closed group begins with its own picture; in an open one others are shown before it.
            before = 0 if place == 0 and not is_open else between
            pts.append((shown + before) * STEP)
            flags.append((KEY if is_open else KEY | CLEAN) if place == 0 else 0)
            pts += [(shown + k) * STEP for k in range(before)]
            flags += [0] * before
            shown += before + 1
    return pts, flags


@given(streams(), st.data())
def test_a_division_shows_every_picture_once(stream: tuple[list[int], list[int]], data: st.DataObject) -> None:
    pts, flags = stream
    shown = sorted(pts)
    first = data.draw(st.sampled_from(shown))
    last = data.draw(st.sampled_from([time for time in shown if time >= first]))
    divided = division.divide(pts, flags, first, last)
    wanted = [time for time in shown if first <= time <= last]
    if not divided.copies:
        assert not any(flag & CLEAN and first <= time <= last for time, flag in zip(pts, flags, strict=True))
        return
    copied = [time for time in pts[divided.begin : divided.end] if time >= divided.body_first]
    head = [time for time in wanted if time < divided.body_first]
    tail = [time for time in wanted if time > divided.body_last]
    assert head + sorted(copied) + tail == wanted
    assert flags[divided.begin] & CLEAN
    # What is left after the copy is no more than the pictures around one reference.
    assert len(tail) <= 4


@given(streams())
def test_decode_times_rise_and_never_come_late(stream: tuple[list[int], list[int]]) -> None:
    pts, _ = stream
    delay = division.delay(pts)
    decoded = division.decode_times(sorted(pts), delay, STEP)
    assert all(a < b for a, b in pairwise(decoded))
    assert all(when <= time for when, time in zip(decoded, pts, strict=True))


@given(streams(), st.data())
def test_a_copy_covers_what_was_wanted(stream: tuple[list[int], list[int]], data: st.DataObject) -> None:
    pts, flags = stream
    start = data.draw(st.sampled_from(sorted(pts)))
    last = data.draw(st.sampled_from([time for time in sorted(pts) if time >= start]))
    begin = division.keyframe(pts, flags, start, after_others=False)
    assert flags[begin] & KEY
    assert pts[begin] <= start or not any(flag & KEY and time <= start for time, flag in zip(pts, flags, strict=True))
    end = division.covering(pts, begin, last)
    kept = {time for time in pts[begin:end] if time >= pts[begin]}
    assert {time for time in pts if max(start, pts[begin]) <= time <= last} <= kept


@given(st.integers(1, 500), st.integers(0, 400), st.integers(1, 100), st.sampled_from([(24, 1), (30000, 1001), (25, 2), (60, 1)]))
def test_so_many_frames_as_the_time_holds(total: int, first: int, count: int, rate: tuple[int, int]) -> None:
    seconds = rate[1] / rate[0]
    video = making.video(fps=1 / seconds, duration=total * seconds, frame_rate=f"{rate[0]}/{rate[1]}", frames=total)
    source = making.media(picture=video, duration=total * seconds)
    first %= total
    for offset in (0.0, 0.3 * seconds, 0.9 * seconds):
        try:
            [part] = cuts(source.duration, [Range((first + offset / seconds) * seconds, (first + offset / seconds + count) * seconds)])
        except MediaError as error:
            assert error.code.name == "start_past_end"
            continue
        taken = shot(source, video, part)
        assert taken.frames is not None
        assert abs(taken.start - first * seconds) < 1e-6
        assert taken.frames == (count if first + count + offset / seconds <= total else max(1, round(part.seconds / seconds)))
        assert abs(taken.seconds - taken.frames * seconds) < 1e-6


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0.1, 10))
def test_parts_lie_within_the_source(start: float, end: float, length: float) -> None:
    try:
        [part] = cuts(length, [Range(start, end)])
    except MediaError as error:
        assert error.code.name == ("start_past_end" if start >= length else "empty_range")
        assert error.field == ("ranges[0].start" if start >= length else "ranges[0].end")
        return
    assert part.start == start
    assert 0 < part.seconds <= length - start + 1e-9


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=5), st.sampled_from([2, 4]))
def test_units_survive_their_packing(units: list[bytes], size: int) -> None:
    assert list(nal.prefixed(nal.packed(units, size), size)) == units


def test_a_configuration_is_read_and_written() -> None:
    sps, pps = bytes([0x67, 100, 0, 31, 0b10101100]), bytes([0x68, 0b11101110])
    config = nal.AvcConfig(b"\x64\x00\x1f", 4, (sps,), (pps,), b"\xfd\xf8\xf8\x00")
    assert nal.AvcConfig.read(config.write()) == config
    assert (nal.sps_id(sps), nal.pps_id(pps)) == (0, 0)
    assert config.free_id() == 1
    more = config.plus([bytes([0x67, 100, 0, 31, 0b01010000])], [pps])
    assert (len(more.sps), len(more.pps), more.free_id()) == (2, 1, 2)
