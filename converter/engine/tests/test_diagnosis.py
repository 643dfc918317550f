from hypothesis import given
from hypothesis import strategies as st

from converter.engine.diagnosis import TAIL_BYTES, Listener

TALK = (
    b"[h264 @ 0x1] [error] error while decoding MB 3 4, bytestream -7\n"
    b"[aist#0:1/pcm_s16le @ 0x2] [warning] Guessed Channel Layout: stereo\n"
    b"[vist#0:0/h264 @ 0x3] [dec:h264 @ 0x4] [warning] corrupt decoded frame\n"
    b"[in#0/matroska,webm @ 0x5] [error] Element at 0x1 ending at 0x2 exceeds containing master element ending at 0x3\n"
    b"[in#0/aac @ 0x6] [warning] Estimating duration from bitrate, this may be inaccurate\n"
    b"[out#0 @ 0x7] [error] Error submitting packet to decoder: Cannot allocate memory"
)


@given(st.lists(st.integers(1, len(TALK)), max_size=12))
def test_how_it_is_cut_makes_no_difference(cuts: list[int]) -> None:
    listener, at = Listener(), 0
    for place in sorted({*cuts, len(TALK)}):
        listener.feed(TALK[at:place])
        at = place
    listener.close()
    assert listener.damage == 1003
    assert listener.starved
    assert not listener.full
    assert listener.tail == TALK.decode()


def test_memory_is_bounded_whatever_is_said() -> None:
    listener = Listener()
    for _ in range(1000):
        listener.feed(b"x" * 10_000)
    assert listener.tail == "x" * TAIL_BYTES
    assert sum(map(len, listener._tail)) <= 2 * TAIL_BYTES
    assert len(listener._rest) <= 20_000


def test_nonsense_sizes_are_damage_not_hunger() -> None:
    listener = Listener()
    listener.feed(b"Invalid data found when processing input\nError submitting packet to decoder: Cannot allocate memory\n")
    assert not listener.starved
