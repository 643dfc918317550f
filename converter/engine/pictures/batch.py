"""One or many pictures through the child, looked at, and packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.engine import wrapping
from converter.engine.errors import MediaError
from converter.engine.ffmpeg import find_ffmpeg
from converter.engine.operations.base import Command, Expectation, Input
from converter.engine.verify import verify

from . import develop, kinds
from .geometry import Shape, as_request

if TYPE_CHECKING:
    from converter.engine.operations.image import ImageParams
    from converter.engine.workbench import Workbench

ARCHIVE, DOCUMENT = "pictures.zip", "pictures.pdf"
MOST_PAGES = 500
"""Pages of one source in a PDF."""
_POINTS = 72 / 25.4
_EFFORTS = {"fast": "4", "balanced": "7", "best": "9"}
"""Of libjxl, 1 to 9."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be made of each source; `how` holds for all."""

    forms: tuple[kinds.Format, ...]
    shapes: tuple[Shape, ...]
    containers: tuple[str, ...]
    how: dict[str, Any]

    def result(self, number: int) -> tuple[int, int]:
        """The planned size of a picture in pixels; of an icon, its largest."""
        return (max(self.how["icon_sizes"]),) * 2 if self.forms[number].name == "ico" else self.shapes[number].result


def how(wishes: ImageParams, background: tuple[int, int, int] | None, icon_sizes: Sequence[int]) -> dict[str, Any]:
    """The wishes as the child reads them, without what differs from picture to picture."""
    return {
        "quality": wishes.quality,
        "target": None if wishes.target_kb is None else int(wishes.target_kb * 1000),
        "may_shrink": wishes.may_shrink,
        "rotate": wishes.rotate,
        "flip": wishes.flip,
        "metadata": wishes.metadata,
        "profile": wishes.profile,
        "lossless": wishes.lossless,
        "progressive": wishes.progressive,
        "subsampling": wishes.subsampling,
        "effort": wishes.effort,
        "background": background,
        "icon_sizes": list(icon_sizes),
    }


def need_jxl() -> None:
    """Raise `MediaError("bad_parameter")` where this ffmpeg can't write JPEG XL."""
    if not find_ffmpeg().has("encoders", "libjxl"):
        raise MediaError("bad_parameter", "format: this ffmpeg has no encoder for JPEG XL (libjxl); choose AVIF or WebP.", field="format")


def member(number: int, form: kinds.Format) -> str:
    """The name of a picture among others: 001.jpg, 002.jpg, …"""
    return f"{number + 1:03d}.{form.extension}"


def run_document(job: Batch, paper: str, margin: float, all_pages: bool, bench: Workbench) -> Path:
    """One PDF of all sources. `margin` in millimetres."""
    request = {
        "how": {**job.how, "format": "pdf", "threads": 1},
        "output": DOCUMENT,
        "paper": paper,
        "margin": margin * _POINTS,
        "all_pages": all_pages,
        "most_pages": MOST_PAGES,
    }
    made = develop.document(bench, _entries(job, bench), request, 1.0)
    _tell(job, made, bench)
    return bench.work / DOCUMENT


def run_pictures(job: Batch, bench: Workbench) -> tuple[Path, tuple[develop.Made, ...]]:
    """The picture, or a ZIP of several, and what was made. Raises `MediaError("tool_failed")` for results that break a promise."""
    bench.advance(0.0, "developing")
    made = develop.develop(bench, _entries(job, bench), {**job.how, "threads": bench.limits.threads or 1}, 0.9)
    _tell(job, made, bench)
    for number, form in enumerate(job.forms):
        if form.name == "jxl":
            _to_jxl(bench, number, job.how)
    paths = [bench.work / member(number, form) for number, form in enumerate(job.forms)]
    _look(job, paths, made, bench)
    if len(paths) == 1:
        return paths[0], made
    for path, form, one in zip(paths, job.forms, made, strict=True):
        bench.check_stop()
        verify(path, Expectation("image", form.container, *one.size, max_size=job.how["target"]), bench)
    target = bench.work / ARCHIVE
    wrapping.pack([(path.name, path) for path in paths], target)
    for path in paths:
        path.unlink()
    return target, made


def _entries(job: Batch, bench: Workbench) -> list[dict[str, Any]]:
    entries = []
    for number, (form, made, container) in enumerate(zip(job.forms, job.shapes, job.containers, strict=True)):
        quality = form.quality if job.how["quality"] is None else job.how["quality"]
        entry: dict[str, Any] = {
            "formats": kinds.READERS[container],
            "upright": made.upright,
            "shape": as_request(made, job.how["rotate"], job.how["flip"]),
            "canvas": made.canvas,
            "untouched": made.untouched and job.how["flip"] == "none" and job.how["rotate"] == "0",
            "lossy": container in kinds.LOSSY_SOURCES,
            "output": f"{number + 1:03d}.png" if form.name == "jxl" else member(number, form),
            "how": {"format": form.name, "quality": quality},
        }
        if container == "jpeg":
            develop.check_jpeg(bench, number, len(job.forms))
        if container == "jxl":
            name = f"source-{number + 1:03d}.png"
            develop.decode_with_ffmpeg(bench, number, name)
            entry["path"] = bench.work / name
        else:
            entry["source"] = number
        entries.append(entry)
    return entries


def _to_jxl(bench: Workbench, number: int, how: dict[str, Any]) -> None:
    """The child's PNG as JPEG XL. libjxl has no quality but a distance (1.0 is just not visible)."""
    quality = kinds.FORMATS["jxl"].quality if how["quality"] is None else how["quality"]
    distance = 0.0 if how["lossless"] else jxl_distance(quality or 0)
    source = f"{number + 1:03d}.png"
    arguments = ("-frames:v", "1", "-c:v", "libjxl", "-distance", f"{distance:.3f}", "-effort", _EFFORTS[how["effort"]], "-update", "1")
    command = Command("encoding", (Input(work_file=source),), arguments, member(number, kinds.FORMATS["jxl"]), "image2", 0.0)
    bench.decode(command)
    (bench.work / source).unlink()


def jxl_distance(quality: float) -> float:
    """libjxl's own mapping of a quality (0–100) to a Butteraugli distance (`JxlEncoderDistanceFromQuality`)."""
    if quality >= 100:
        return 0.0
    if quality >= 30:
        return 0.1 + (100 - quality) * 0.09
    return 53 / 3000 * quality * quality - 23 / 20 * quality + 25


def _look(job: Batch, paths: Sequence[Path], made: Sequence[develop.Made], bench: Workbench) -> None:
    """Open every result once more and hold it against what was promised. JPEG XL is left to the common checks."""
    for form in dict.fromkeys(job.forms):
        if form.name == "jxl":
            continue
        mine = [(path, one) for path, one, other in zip(paths, made, job.forms, strict=True) if other == form]
        seen = develop.look(bench, [path for path, _ in mine], form.container)
        for (path, one), found in zip(mine, seen, strict=True):
            if faults := _faults(form, one, found, job.how):
                raise MediaError("tool_failed", f"The result is not what was planned: {'; '.join(faults)}.", log=f"{path.name}: {found}")


def _faults(form: kinds.Format, made: develop.Made, found: dict[str, Any], how: dict[str, Any]) -> list[str]:
    faults = []
    if tuple(found["size"]) != made.size:
        faults.append(f"it is {found['size']} pixels instead of {made.size}")
    if made.alpha and form.alpha and not found["alpha"]:
        faults.append("it is not see-through any more")
    if found["turned"]:
        faults.append("it still says how to turn it")
    if found["place"] and how["metadata"] != "keep":
        faults.append("it still says where it was taken")
    if found["exif"] and how["metadata"] == "strip":
        faults.append("it still has the camera's notes")
    if found["profile"] and how["profile"] == "srgb":
        faults.append("it still has a colour profile")
    if how["target"] is not None and made.bytes > how["target"]:
        faults.append("it is larger than the target")
    return faults


def _tell(job: Batch, made: Sequence[develop.Made], bench: Workbench) -> None:
    """Say what only the work could show; of many pictures, each sentence once."""
    several = len(made) > 1
    said: list[str] = []
    for number, one in enumerate(made):
        who = f"Picture {number + 1}" if several else "The picture"
        said += one.notes
        if one.frames > one.used and job.containers[number] in ("tiff", "avif", "heic"):
            said.append(
                f"Only {'the first' if one.used == 1 else one.used} of {one.frames} pictures in the file {'is' if one.used == 1 else 'are'} used."
            )
        if job.how["target"] is None or one.quality is None:
            continue
        if one.size != job.result(number):
            said.append(f"{who} was scaled down to {one.size[0]}×{one.size[1]} to fit.")
        if not several:
            said.append(f"Quality {one.quality} {'is the highest that fits' if one.proven else 'fits; one step more was not tried'}.")
    for sentence in dict.fromkeys(said):
        bench.warn(sentence)


def settled(expects: Expectation, made: develop.Made) -> Expectation:
    """The expectation, with the size that the work arrived at."""
    return replace(expects, width=made.size[0], height=made.size[1])
