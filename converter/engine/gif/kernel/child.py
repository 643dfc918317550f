"""The process that writes the GIF: `python -I child.py REQUEST`, with raw pictures coming in on a descriptor.

Runs alone in the sandbox. It reads bgr0 pictures until the pipe ends, writes `output` in its current
directory, and reports on standard output: one line `frames bytes` now and then.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import json
import os
import struct
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernel.budget import Budget
    from kernel.canvas import Canvas

NOT_COMPILED = 3
"""Exit status where the shared library can't be loaded."""
NO_PICTURE = 4
"""Exit status where the pipe ended before the first whole picture."""
TOO_SMALL = 5
"""Exit status where the wanted size can't be met; the last line on standard error says what could."""
FRAME_BYTES = 64
"""More than the header, the loop extension and the trailer take."""
REPORT_SECONDS = 0.2
PIPE_BYTES = 1 << 20
DELAY_OFFSET = 4
"""Where a frame, which begins with its control extension, has its delay."""
_F_SETPIPE_SZ = 1031


class Pictures:
    """Whole pictures from a pipe."""

    def __init__(self, descriptor: int, into: memoryview) -> None:
        self.descriptor, self.view = descriptor, into
        with contextlib.suppress(OSError):
            # More than the usual 64 KB, so that neither side wakes up sixty times for one picture.
            fcntl.fcntl(descriptor, _F_SETPIPE_SZ, PIPE_BYTES)

    def following(self) -> bool:
        """Read the next picture; False at the end. A part of a picture counts as the end."""
        got = 0
        while got < len(self.view):
            read = os.readv(self.descriptor, [self.view[got:]])
            if read == 0:
                return False
            got += read
        return True


def main(request: dict[str, Any]) -> int:
    """Write one GIF; the exit status."""
    from kernel import canvas
    from kernel.library import Library
    from kernel.profiles import profile

    try:
        library = Library(request["library"])
    except (OSError, AttributeError) as problem:
        os.write(2, f"gif kernel: {problem}\n".encode())
        return NOT_COMPILED
    width, height, delays = request["width"], request["height"], request["delays"]
    wanted = profile(request["profile"], colours=request["colours"], dither=request["dither"])
    drawing = canvas.Canvas(library, width, height, wanted, threads=request["threads"])
    pictures = Pictures(request["descriptor"], drawing.picture)
    if request.get("survey"):
        return survey(drawing, pictures, len(delays), Path(request["output"]))
    spending = allowance(request, canvas.LOOSEST) if request["most"] else None
    places: list[int] = []
    with Path(request["output"]).open("w+b") as target:
        target.write(canvas.header(width, height, request["loop"]))
        report = Report()
        while len(places) < len(delays) and pictures.following():
            delay = delays[len(places)]
            places.append(target.tell())
            for part in drawing.draw(delay) if spending is None else within(spending, drawing, delay):
                target.write(part)
            report.note(target.tell())
        if request["repeat"] and places:
            repeat(target, places, delays, report)
        target.write(canvas.TRAILER)
    if spending is not None and places:
        # What it cost, for whoever started this to tell.
        Path(request["weights"]).write_text(json.dumps({"looser": spending.mean, "still": spending.forced}))
    return 0 if places else NO_PICTURE


def survey(drawing: Canvas, pictures: Pictures, most: int, output: Path) -> int:
    """Write how many bytes each picture takes, as JSON, instead of a GIF; the exit status."""
    sizes: list[int] = []
    while len(sizes) < most and pictures.following():
        sizes.append(sum(len(part) for part in drawing.draw(0)))
    output.write_text(json.dumps(sizes))
    return 0 if sizes else NO_PICTURE


def allowance(request: dict[str, Any], loosest: float) -> Budget:
    """What may be spent, by the survey beside us. A frame that is shown again takes its bytes again."""
    from kernel.budget import Budget

    weights = json.loads(Path(request["weights"]).read_text())
    times = [len(range(k, len(request["delays"]), len(weights))) for k in range(len(weights))]
    return Budget(request["most"] - FRAME_BYTES, times, weights, loosest)


def within(spending: Budget, drawing: Canvas, delay: int) -> list[bytes | memoryview]:
    """The next frame's bytes, drawn until they fit. Ends the process where that can't be."""
    from kernel.budget import TRIES
    from kernel.canvas import still

    drawing.remember()
    size = 0
    for attempt in range(TRIES):
        last = spending.exhausted
        parts: list[bytes | memoryview] = drawing.draw(delay, spending.looser)
        size = sum(len(part) for part in parts)
        if spending.accepts(size, attempt):
            spending.spend(size)
            return parts
        drawing.undo()
        if last:
            break
    if spending.hopeless(size):
        os.write(2, f"nearest {spending.nearest}\n".encode())
        sys.exit(TOO_SMALL)
    parts = list(still(delay))
    spending.spend(sum(len(part) for part in parts), forced=True)
    return parts


def repeat(target: IO[bytes], places: list[int], delays: list[int], report: Report) -> None:
    """Append the frames at `places` again and again, until there is one for each delay.

    The first covers everything that the last one left, so all that follow may be copied as they are.
    """
    ends = [*places[1:], target.tell()]
    for number in range(len(places), len(delays)):
        again = number % len(places)
        target.seek(places[again])
        frame = bytearray(target.read(ends[again] - places[again]))
        struct.pack_into("<H", frame, DELAY_OFFSET, delays[number])
        target.seek(0, os.SEEK_END)
        target.write(frame)
        report.note(target.tell())


class Report:
    """Progress on standard output, a few lines a second."""

    def __init__(self) -> None:
        self.frames, self.last = 0, 0.0

    def note(self, size: int) -> None:
        """One more frame is written; the file has `size` bytes so far."""
        self.frames += 1
        now = time.monotonic()
        if now - self.last >= REPORT_SECONDS:
            self.last = now
            os.write(1, f"{self.frames} {size}\n".encode())


def load_package() -> None:
    """Make the modules beside this script importable as `kernel`, without a look at the directory above."""
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location("kernel", here / "__init__.py", submodule_search_locations=[str(here)])
    assert spec is not None and spec.loader is not None  # noqa: S101 - tells the type checker
    module = importlib.util.module_from_spec(spec)
    sys.modules["kernel"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load_package()
    sys.exit(main(json.loads(sys.argv[1])))
