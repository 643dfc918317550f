"""The part of the probe that touches hostile bytes: runs alone in the sandbox, prints one JSON object.

Started as a script with the descriptor of the file, its demuxer and options; it knows nothing of
the project, so that the sandbox has to let it read nothing of it.
"""

from __future__ import annotations

import json
import os
import sys
from fractions import Fraction
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any


def _neighbour(name: str) -> Any:
    """A module beside this script by its place: the sandbox lets nobody list the directory, so it can't be searched for."""
    spec = spec_from_file_location(name, Path(__file__).resolve().with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None  # noqa: S101 - tells the type checker
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if TYPE_CHECKING or __package__:
    from . import probe_packets as packets
else:
    packets = _neighbour("probe_packets")

ATTACHED_PICTURE = 1 << 10
_QUICK = {"threads": "1", "skip_frame": "all"}
_QUICK_DEMUXERS = frozenset({"mov", "matroska"})
"""Those that know their streams from the header."""
_BRIEF = {"analyzeduration": "1"}
"""In microseconds; 0 would mean the library's own five seconds."""
MOST_CHAPTERS = 1000
LONGEST_TEXT = 1000
NAMES = ("title", "artist", "album", "album_artist", "composer", "genre", "track", "disc", "date", "copyright")
"""Tags that are read. All others (places, devices, serial numbers, notes) are never looked at."""


def probe(file: Any, demuxer: str, options: dict[str, str], max_packets: int, max_bytes: int, max_pixels: int) -> dict[str, Any]:
    """Everything that the container says, what only its packets tell, and what the first frames show."""
    import av

    av.logging.set_level(None)
    # The library would decode pictures only to know their format; the one that `Walk` decodes tells as much.
    quick: Any = [_QUICK] * 64 if demuxer in _QUICK_DEMUXERS else []
    whole = demuxer == "mov" and packets.is_whole(file)
    # Where one index tells of all packets, the library need not read on for what the first of each stream says.
    brief = _BRIEF if whole else {}
    with av.open(file, format=demuxer, options=options | brief, stream_options=quick, metadata_errors="replace") as container:
        known = container.duration is not None
        frames: dict[int, dict[str, Any]] = {}
        known_packets = packets.listed(container) if whole and known else {}
        walked = packets.Walk(container, frames, max_packets, max_bytes, max_pixels, known=known, listed=known_packets, brief=whole).run(av)
        return {
            "duration": _seconds(container.duration, Fraction(1, av.time_base)),
            "start": _seconds(container.start_time, Fraction(1, av.time_base)),
            # After the walk, because decoders know more than headers do.
            "streams": [_stream(stream, options["codec_whitelist"].split(",")) for stream in container.streams],
            "index_end": max((packets.index_end(stream) for stream in container.streams), default=0),
            "packets": walked,
            "first_frames": frames,
            "chapters": [_chapter(chapter) for chapter in container.chapters()[:MOST_CHAPTERS]],
            "tags": _tags(container, demuxer),
        }


def _stream(stream: Any, allowed: list[str]) -> dict[str, Any]:
    context = stream.codec_context
    data: dict[str, Any] = {
        "index": stream.index,
        "type": stream.type,
        "codec": context.codec.canonical_name if context is not None else "",
        "duration": _seconds(stream.duration, stream.time_base),
        "start": _seconds(stream.start_time, stream.time_base),
        "frames": stream.frames or None,
        # The list only stops decoders from being opened; what is never decoded would pass unseen.
        "supported": context is not None and (context.codec.name in allowed or context.codec.canonical_name in allowed),
    }
    data |= {"language": _text(stream.metadata, "language"), "title": _text(stream.metadata, "title") or _text(stream.metadata, "name")}
    if context is None:
        return data
    data["bit_rate"] = context.bit_rate or None
    if stream.type == "video":
        data |= _video(stream, context)
    elif stream.type == "audio":
        layout = packets.held(context.layout)
        # An order of its own is written out in brackets; the count stays, and what it counts as is guessed from that.
        name = layout.name.partition(" (")[0] if layout else ""
        data |= {"channels": layout.nb_channels if layout else 0, "layout": name, "sample_rate": context.sample_rate}
        data["sample_format"] = context.format.name if context.format else ""
    return data


def _text(metadata: Any, name: str) -> str:
    return str(next((value for key, value in metadata.items() if key.lower() == name), ""))[:LONGEST_TEXT]


def _chapter(chapter: Any) -> dict[str, Any]:
    base = Fraction(chapter["time_base"])
    return {"start": float(chapter["start"] * base), "end": float(chapter["end"] * base), "title": _text(chapter["metadata"], "title")}


def _tags(container: Any, demuxer: str) -> dict[str, str]:
    """What the media is called. Ogg keeps it with the stream."""
    places = [container.metadata, *(stream.metadata for stream in container.streams if demuxer == "ogg")]
    found = {name: next(filter(None, (_text(place, name) for place in places)), "") for name in NAMES}
    return {name: value for name, value in found.items() if value}


def _video(stream: Any, context: Any) -> dict[str, Any]:
    return {
        "width": context.width,
        "height": context.height,
        "average_rate": _fraction(stream.average_rate),
        "base_rate": _fraction(stream.base_rate),
        "sample_aspect": _fraction(stream.sample_aspect_ratio or context.sample_aspect_ratio),
        "attached": bool(int(stream.disposition) & ATTACHED_PICTURE),
        "color": [int(context.color_trc or 0), int(context.color_primaries or 0), int(context.colorspace or 0)],
        "field_order": str(getattr(context, "field_order", "") or ""),
        "alpha_mode": stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE", "")),
        **packets.pixels(context.format),
    }


def still(file: Any) -> dict[str, Any]:
    """A picture that ffmpeg can't put together (HEIC is stored in tiles): its size by Pillow, without decoding it."""
    from PIL import Image
    from pillow_heif import register_heif_opener

    register_heif_opener()
    Image.MAX_IMAGE_PIXELS = 1 << 30
    with Image.open(file, formats=("HEIF",)) as image:
        return {"picture": {"width": image.width, "height": image.height, "alpha": "A" in image.getbands()}}


def _seconds(value: int | None, base: Fraction | None) -> float | None:
    return None if value is None or base is None else float(value * base)


def _fraction(value: Fraction | None) -> list[int] | None:
    return [value.numerator, value.denominator] if value else None


def answer(file: Any, request: dict[str, Any]) -> dict[str, Any]:
    """What `file` holds, or `{"error": kind, "message": text}`."""
    try:
        if request["demuxer"] == "still":
            return still(file)
        return probe(file, request["demuxer"], request["options"], request["max_packets"], request["max_bytes"], request["max_pixels"])
    except MemoryError:
        return {"error": "MemoryError", "message": "memory ran out"}
    except (OSError, ValueError, SyntaxError) as problem:
        # PyAV's errors are OSErrors or ValueErrors, Pillow's any of the three.
        return {"error": type(problem).__name__, "message": str(problem)[:300]}


def main(descriptor: int, request: dict[str, Any]) -> dict[str, Any]:
    """Answer one request about the file behind a descriptor."""
    with os.fdopen(descriptor, "rb") as file:
        return answer(file, request)


if __name__ == "__main__":
    json.dump(main(int(sys.argv[1]), json.loads(sys.argv[2])), sys.stdout)
    sys.stdout.flush()
    # What is held must not be given back (`probe_packets.held`), as the interpreter's own end would.
    os._exit(0)
