"""The sound beside a compressed picture: copied where it is small already, else AAC or Opus."""

from __future__ import annotations

from dataclasses import dataclass

from converter.engine import codecs
from converter.engine.codecs import WEBM, Container
from converter.engine.media import AudioStream

from .feed import Feed

_KEPT = {"mp4": {"aac"}, "webm": {"opus", "vorbis"}, "matroska": {"aac", "opus", "vorbis", "mp3"}}
_SLACK = 1.1
"""How much above the wanted rate a sound may be and is still copied: a second generation would cost more than it saves."""


@dataclass(frozen=True, slots=True)
class Sound:
    """How the sound is made: `kbps` is its rate, 0 without sound; `graph` and `maps` select it, `encoder` follows them."""

    kbps: int = 0
    graph: str = ""
    maps: tuple[str, ...] = ()
    encoder: tuple[str, ...] = ()
    copied: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """Everything that a command of its own needs."""
        return (*(("-filter_complex", self.graph) if self.graph else ()), *self.maps, *self.encoder)


def sound(feed: Feed, container: Container, kbps: int) -> Sound:
    """The sound of `feed` at no more than `kbps`, nor than the source itself has."""
    audio = feed.audio
    if audio is None:
        return Sound()
    graph, maps = feed.sound()
    own = own_kbps(audio)
    if feed.whole and own and own <= kbps * _SLACK and audio.codec in _KEPT[container.name]:
        return Sound(own, "", maps, ("-c:a", "copy"), copied=True)
    rate = min(kbps, max(16, own)) if own else kbps
    return Sound(rate, graph, maps, encoded(audio, container, rate))


def own_kbps(audio: AudioStream) -> int:
    """The source's own rate, 0 when unknown."""
    return max(1, round(audio.bit_rate / 1000)) if audio.bit_rate else 0


def encoded(audio: AudioStream, container: Container, kbps: int) -> tuple[str, ...]:
    """Encoder arguments for `kbps`: two channels at most, one where two would sound worse."""
    if container is WEBM:
        # ffmpeg's libopus takes 48 kHz of what it is given, and 6 kbit/s at the least.
        return ("-c:a", "libopus", "-b:a", f"{kbps}k", "-ac", str(1 if kbps < 24 else min(2, audio.channels)))
    channels = 1 if kbps < 40 else min(2, audio.channels)
    rate = ("-ar", "24000") if kbps < 24 else ()
    return (*codecs.aac(kbps), "-ac", str(channels), *rate)
