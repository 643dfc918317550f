"""Django's multipart parser, writing straight into `incoming/`."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

from . import storage
from .incoming import Incoming, too_large

OVERHEAD = 1 << 20
"""Bytes of a multipart body that are not the file: boundaries, headers, other fields."""


if TYPE_CHECKING:
    _UploadedFile = UploadedFile[bytes]
else:
    _UploadedFile = UploadedFile


class IncomingUploadedFile(_UploadedFile):
    """A received file that lies in `incoming/` with its hash known. Closing it removes it, unless it was taken."""

    def __init__(self, incoming: Incoming, field: str | None, name: str | None, content_type: str | None) -> None:
        self.incoming = incoming
        self._opened: IO[bytes] | None = None
        super().__init__(file=None, name=name, content_type=content_type, size=incoming.size)
        self.field_name = field

    @property
    def file(self) -> IO[bytes]:
        """The bytes, for whoever reads it as an ordinary uploaded file."""
        if self._opened is None:
            self._opened = self.incoming.path.open("rb")
        return self._opened

    @file.setter
    def file(self, value: IO[bytes] | None) -> None:
        self._opened = value

    def close(self) -> None:
        """Forget the file."""
        if self._opened is not None:
            self._opened.close()
        self.incoming.discard()


class IncomingUploadHandler(FileUploadHandler):
    """Streams each file of a form to disk once, hashing it on the way, with a hard limit on its size."""

    chunk_size = 256 * 1024

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.incoming: Incoming | None = None
        self.received_name = ""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: Any = None) -> None:
        """Refuse by the announced length, before anything is read. Raises `MediaError`: `too_large`, `disk_full`."""
        if content_length > settings.MAX_UPLOAD_BYTES + OVERHEAD:
            raise too_large(settings.MAX_UPLOAD_BYTES)
        storage.check_room(content_length)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A part with a file name begins."""
        super().new_file(*args, **kwargs)
        self.received_name = self.file_name or ""
        self.incoming = Incoming(settings.MAX_UPLOAD_BYTES)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write it; returning nothing keeps it from the handlers that follow. Raises `MediaError`."""
        assert self.incoming is not None  # noqa: S101 (the parser calls new_file first)
        self.incoming.write(raw_data)

    def file_complete(self, file_size: int) -> IncomingUploadedFile:
        """The part ended."""
        assert self.incoming is not None  # noqa: S101
        self.incoming.finish()
        file, self.incoming = self.incoming, None
        return IncomingUploadedFile(file, self.field_name, self.file_name, self.content_type)

    def upload_interrupted(self) -> None:
        """The body ended within the part."""
        self.discard()

    def discard(self) -> None:
        """Remove what was received of a file that did not come to its end."""
        if self.incoming is not None:
            self.incoming.discard()
            self.incoming = None
