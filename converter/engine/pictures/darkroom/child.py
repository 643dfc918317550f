"""The process that opens and writes pictures: `python -I child.py REQUEST`, sandboxed.

Sources come as descriptors, results go into the current directory; each line on standard output is a
JSON object: `picture` (that one is begun), `tick`, `done` with what was made, or `error` as the last.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import IO, Any


def main(request: dict[str, Any]) -> int:
    """Do one request: develop pictures, make a document of them, or look at results."""
    from darkroom.opening import Refused, prepare

    prepare(request["max_pixels"])
    try:
        {"develop": develop, "document": document, "inspect": inspect}[request["task"]](request)
    except Refused as refused:
        say({"error": refused.code, "detail": refused.detail, "log": refused.log})
    except MemoryError:
        say({"error": "out_of_memory", "detail": "", "log": "memory ran out"})
    return 0


def say(line: dict[str, Any]) -> None:
    """One line of report."""
    os.write(1, json.dumps(line).encode() + b"\n")


def opened(entry: dict[str, Any]) -> tuple[IO[bytes], Any]:
    """The file of a request's entry, and its picture, not yet decoded."""
    from darkroom.opening import open_file

    file = os.fdopen(entry["descriptor"], "rb")
    return file, open_file(file, entry["formats"])


def finished(image: Any, entry: dict[str, Any], how: dict[str, Any]) -> tuple[Any, Any]:
    """The wanted picture, and what goes with it, from an opened one."""
    from darkroom import colour, opening, saving, shape

    picture = opening.load(image, upright_size=(entry["upright"][0], entry["upright"][1]), wanted=enough(entry))
    keeping = how["profile"] == "keep" and saving.keeps_profile(how["format"])
    picture.image = shape.shaped(picture.image, entry["shape"])
    if not keeping:
        colour.to_srgb(picture)
    elif picture.image.mode == "CMYK" and how["format"] not in ("jpeg", "tiff"):
        picture.notes.append("This format has no press colours: the picture was converted to sRGB.")
        colour.to_srgb(picture)
    background = tuple(how["background"]) if how["background"] else None
    picture.image = saving.fitting(picture.image, how["format"], background)
    if entry["canvas"]:
        clear = background is None and how["format"] in ("png", "webp", "avif", "jxl", "tiff", "gif")
        base = colour.plain(picture.image)
        base = base if base.mode in ("RGB", "RGBA") else base.convert("RGBA" if colour.has_alpha(base) else "RGB")
        picture.image = shape.padded(base, tuple(entry["canvas"]), None if clear else background or (255, 255, 255))
    return picture, keeping


def enough(entry: dict[str, Any]) -> tuple[int, int]:
    """How large a JPEG has to be decoded, before it is turned, so that scaling still has twice the pixels it needs."""
    shape, (width, height) = entry["shape"], entry["upright"]
    left, top, right, bottom = shape["box"]
    part = 2 * max(shape["size"][0] / (right - left), shape["size"][1] / (bottom - top))
    return (width, height) if part >= 1 else (max(1, int(width * part)), max(1, int(height * part)))


def develop(request: dict[str, Any]) -> None:
    """Each picture into a file of its own."""
    for number, entry in enumerate(request["pictures"]):
        say({"picture": number})
        file, image = opened(entry)
        with file, image:
            say(one(image, entry, {**request["how"], **entry["how"]}))


def one(image: Any, entry: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
    """Develop and write one picture; what was made."""
    from darkroom import colour, notes, saving, target

    picture, keeping = finished(image, entry, how)
    exif, sentence = notes.kept(picture.exif, how["metadata"], picture.image.size, srgb=not keeping)
    extras = saving.Extras(exif, picture.profile if keeping else b"")
    said = [*picture.notes, *([sentence] if sentence else [])]
    made = {"quality": how["quality"], "encodes": 1.0, "proven": True, "size": picture.image.size}
    if how["target"] is None:
        data = saving.encoded(picture.image, how, how["quality"], extras)
    else:
        fitted = target.under(picture.image, how, extras)
        data = fitted.data
        made = {"quality": fitted.quality, "encodes": fitted.encodes, "proven": fitted.proven, "size": fitted.size}
    Path(entry["output"]).write_bytes(data)
    if how["format"] == "ico":
        made["size"] = (max(how["icon_sizes"]),) * 2
    alpha = colour.see_through(picture.image)
    return {"done": entry["output"], "alpha": alpha, "frames": picture.frames, "notes": said, "bytes": len(data), **made}


def document(request: dict[str, Any]) -> None:
    """All pictures into one PDF."""
    from darkroom.pdf import Document

    with Path(request["output"]).open("wb") as target:
        made = Document(target, request["paper"], request["margin"])
        for number, entry in enumerate(request["pictures"]):
            say({"picture": number})
            file, image = opened(entry)
            with file, image:
                say(pages(made, file, image, entry, request))
        made.close()


def pages(made: Any, file: IO[bytes], image: Any, entry: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """One source's pages; what was made of it."""
    from darkroom import opening

    frames = getattr(image, "n_frames", 1) if image.format not in ("JPEG", "MPO", "ICO") else 1
    wanted = min(frames, request["most_pages"]) if request["all_pages"] else 1
    said: list[str] = []
    for number in range(wanted):
        with opening.reading():
            image.seek(number)
        if image.size != tuple(entry["upright"]) and number:
            # Pages of one file may have any size; what was planned for the first fits no other.
            whole = image.size[::-1] if entry["shape"]["rotate"] in (90, 270) else image.size
            entry = {
                **entry,
                "upright": image.size,
                "canvas": None,
                "shape": {**entry["shape"], "whole": whole, "box": (0, 0, *whole), "size": whole},
            }
        said += page(made, file, image, entry, {**request["how"], **entry["how"]})
        say({"tick": number})
    return {"done": "", "alpha": False, "frames": frames, "used": wanted, "notes": list(dict.fromkeys(said)), "bytes": 0, "size": image.size}


def page(made: Any, file: IO[bytes], image: Any, entry: dict[str, Any], how: dict[str, Any]) -> list[str]:
    """One page; sentences about it."""
    from darkroom import colour, opening, pdf, saving

    if entry["untouched"] and image.format in ("JPEG", "MPO"):
        orientation = image.getexif().get(0x0112, 1)
        profile = image.info.get("icc_profile") or b""
        with opening.reading():
            image.load()
        file.seek(0)
        sheet = pdf.embedded(file.read(), orientation, profile if len(profile) <= opening.MAX_PROFILE else b"")
        if sheet is not None:
            made.add(sheet)
            return []
    picture, _ = finished(image, entry, how)
    flat = colour.flattened(picture.image, tuple(how["background"] or (255, 255, 255)))
    flat = flat if flat.mode in ("1", "L", "P", "RGB") else colour.plain(flat)
    if how["lossless"] or not entry["lossy"]:
        made.add(pdf.lossless(flat))
    else:
        flat = flat if flat.mode in ("L", "RGB") else flat.convert("RGB")
        data = saving.encoded(flat, {**how, "format": "jpeg"}, how["quality"], saving.Extras())
        sheet = pdf.embedded(data, 1, b"")
        assert sheet is not None  # noqa: S101 - our own baseline JPEG
        made.add(sheet)
    return list(picture.notes)


def inspect(request: dict[str, Any]) -> None:
    """What finished files look like to somebody who opens them."""
    from darkroom import colour, notes, opening

    for number, entry in enumerate(request["pictures"]):
        say({"picture": number})
        file, image = opened(entry)
        with file, image:
            with opening.reading():
                image.load()
            exif = image.getexif()
            say(
                {
                    "done": entry["output"],
                    "size": image.size,
                    "alpha": colour.has_alpha(image),
                    "turned": exif.get(0x0112, 1) != 1,
                    "place": notes.tells_place(image),
                    "exif": bool(exif.get_ifd(notes.DETAILS) or exif.get(0x0110)),
                    "profile": bool(image.info.get("icc_profile")),
                }
            )


def load_package() -> None:
    """Make the modules beside this script importable as `darkroom`, without a look at the directory above."""
    here = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location("darkroom", here / "__init__.py", submodule_search_locations=[str(here)])
    assert spec is not None and spec.loader is not None  # noqa: S101 - tells the type checker
    module = importlib.util.module_from_spec(spec)
    sys.modules["darkroom"] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    load_package()
    sys.exit(main(json.loads(sys.argv[1])))
