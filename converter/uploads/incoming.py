"""A file while it is received: written, hashed and measured chunk by chunk, gone unless it is taken."""

from __future__ import annotations

import hashlib
import os
import weakref
from pathlib import Path

from converter.engine.errors import MediaError
from converter.engine.limits import megabytes

from . import storage


class Incoming:
    """A new file in `incoming/`. It is removed by `discard`, or when nobody holds it any more, until it is `taken`.

    `size` is in bytes, `sha256` the hash of what was written so far.
    """

    def __init__(self, most: int) -> None:
        """Open the file; `most` is the largest number of bytes it may come to. Raises `MediaError("disk_full")`."""
        self.most = most
        self.size = 0
        self.path = storage.new_incoming()
        self._hash = hashlib.sha256()
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise storage.coded(error) from error
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._finalizer = weakref.finalize(self, _remove, self._file, self.path)

    def write(self, chunk: bytes | memoryview) -> None:
        """Append a chunk. Raises `MediaError`: `too_large`, `disk_full`; the file is gone then."""
        if self.size + len(chunk) > self.most:
            self.discard()
            raise too_large(self.most)
        try:
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self.discard()
            raise storage.coded(error) from error
        self._hash.update(chunk)
        self.size += len(chunk)

    def finish(self) -> None:
        """Close the file: all of it has been received. Raises `MediaError("disk_full")`."""
        try:
            self._file.close()
        except OSError as error:
            self.discard()
            raise storage.coded(error) from error

    def discard(self) -> None:
        """Remove the file, unless it was taken; harmless when repeated."""
        self._finalizer()

    def taken(self) -> None:
        """The file was renamed to its place and is no longer ours to remove."""
        self._file.close()
        self._finalizer.detach()

    @property
    def sha256(self) -> str:
        """Hex digest of what was written."""
        return self._hash.hexdigest()


def too_large(most: int) -> MediaError:
    """The refusal of a file beyond `most` bytes."""
    return MediaError("too_large", f"The file is larger than the {megabytes(most)} that are allowed.", field="file")


def _remove(file: object, path: Path) -> None:
    file.close()  # type: ignore[attr-defined]
    path.unlink(missing_ok=True)
