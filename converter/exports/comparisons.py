"""An export laid over what it was made of: made when first asked for, kept beside its thumbnail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from converter.engine import comparison, files
from converter.engine.comparison import Alignment
from converter.engine.errors import MediaError
from converter.engine.workbench import Source
from converter.uploads import derived, storage
from converter.uploads.models import Upload

from .models import Export
from .services import require_bytes

VERSION = 1
"""Raised when the same files begin to give other pairs or another likeness."""


def source_of(export: Export) -> Upload | None:
    """The one upload that the export was made of, while its bytes are there; None where there are several."""
    rows = [entry.upload for entry in export.job.job_inputs.all()]
    return rows[0] if len(rows) == 1 and rows[0].removed_at is None and rows[0].deleted_at is None else None


def alignment(export: Export) -> Alignment | None:
    """Where the export lies in its source; None where there is nothing to compare."""
    source = source_of(export)
    if source is None or export.gone:
        return None
    return comparison.align(source.media, export.media, export.recipe["operation"], export.recipe["params"])


def report(export: Export) -> Path:
    """A JSON file `{"ssim": 0..1, "words": "…", "moments": [seconds, …], "width": pixels, "height": pixels}` of the comparison.

    Raises `MediaError`: `conflict` where the two don't lie over each other, `gone`, and what the engine raises.
    """
    path, where, source = require_bytes(export), alignment(export), source_of(export)
    if where is None or source is None:
        raise MediaError("conflict", "This file does not lie over its source picture by picture, so the two can't be compared.")
    before = Source(source.file, source.media)

    def make(target: Path) -> None:
        work = files.private_dir(target.parent)
        try:
            found = comparison.compare(before, Source(path, export.media), where, work, limits=storage.limits())
            for number, pair in enumerate(found.pairs):
                pair.replace(target.parent / _pair(number))
        finally:
            shutil.rmtree(work, ignore_errors=True)
        told = {"ssim": round(found.ssim, 4), "words": found.words, "moments": found.moments, "width": where.width, "height": where.height}
        target.write_text(json.dumps(told), "utf-8")

    return derived.cached(export, f"comparison-{VERSION}.json", make)


def pair(export: Export, number: int) -> Path:
    """One pair as a JPEG, the source left and the result right. Raises `MediaError`: `not_found`, and what `report` raises."""
    path = report(export).parent / _pair(number)
    if not path.exists():
        raise MediaError("not_found", "There is no such moment in this comparison.")
    return path


def _pair(number: int) -> str:
    return f"comparison-{VERSION}-{number}.jpg"
