"""Read a PDF of ours back: every number of its table has to lead to the object it names."""

from __future__ import annotations

import re
from pathlib import Path

from converter.engine.errors import MediaError

_TAIL = 64
_ROW = 20


def check_document(path: Path, pages: int | None) -> int:
    """The number of pages of the PDF at `path`. Raises `MediaError("tool_failed")` where it is not whole or has not `pages` pages."""
    try:
        found = _pages(path)
    except (ValueError, OSError) as error:
        raise MediaError("tool_failed", "The PDF can't be read back.", log=str(error)) from error
    if pages is not None and found != pages:
        raise MediaError("tool_failed", f"The PDF has {found} pages instead of {pages}.", log=str(path))
    return found


def _pages(path: Path) -> int:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        end = re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", file.read())
        if end is None:
            raise ValueError("no end")
        file.seek(int(end[1]))
        table = file.read()
        head = re.match(rb"xref\n0 (\d+)\n", table)
        if head is None:
            raise ValueError("no table")
        rows = table[head.end() : head.end() + _ROW * int(head[1])]
        count = 0
        for number in range(1, int(head[1])):
            place = int(rows[_ROW * number : _ROW * number + 10])
            file.seek(place)
            start = file.read(48)
            name = f"{number} 0 obj\n".encode()
            if not start.startswith(name):
                raise ValueError(f"object {number} is not at {place}")
            count += start.startswith(name + b"<< /Type /Page ")
    return count
