"""Keeping the receipt of a transfer while its bytes go out, without slowing them down."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, cast

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

from converter.audit.context import current_actor, use_actor

from . import grants
from .models import Grant

RECORD_BYTES = grants.UNRECORDED // 2
"""Progress is written whenever so many bytes went out since the last time, or…"""

RECORD_SECONDS = grants.TRANSFER_LEASE.total_seconds() / 3
"""… so much time: the lease has to be renewed on slow lines too."""


class Transfer:
    """One transfer of a grant's file, from byte `start` on.

    A chunk counts as sent when it is handed over, while it may still be on its way: the client must
    never have got more than what is recorded, or it could not resume. The transfer is complete only
    when the server came back for more after the last byte of the file.

    The end is written by the response's `close`, which the server calls once however the response
    ended, and before it lets go of the request's thread. The generator itself would be too late: it
    is only collected some time after a client went away.
    """

    def __init__(self, grant: Grant, start: int) -> None:
        self.grant = grant
        self.sent_to = start
        self.complete = start >= grant.export.size
        self._actor = current_actor()
        self._recorded, self._recorded_at = start, time.monotonic()

    def watch(self, response: StreamingHttpResponse) -> StreamingHttpResponse:
        """Count what this response sends, and write the receipt when it is closed."""
        content: Any = response.streaming_content
        response.streaming_content = self._counted_async(content) if response.is_async else self._counted(content)
        cast(Any, response)._resource_closers.append(self.close)
        return response

    def close(self) -> None:
        """Write how it ended."""
        with use_actor(self._actor):
            grants.record_end(self.grant, self.sent_to, complete=self.complete)

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.sent_to += len(chunk)
            yield chunk
            if self._is_due():
                grants.record_progress(self.grant.pk, self.sent_to)
        self._finish()

    async def _counted_async(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self.sent_to += len(chunk)
            yield chunk
            if self._is_due():
                await sync_to_async(grants.record_progress)(self.grant.pk, self.sent_to)
        self._finish()

    def _is_due(self) -> bool:
        now = time.monotonic()
        due = self.sent_to - self._recorded >= RECORD_BYTES or now - self._recorded_at >= RECORD_SECONDS
        if due:
            self._recorded, self._recorded_at = self.sent_to, now
        return due

    def _finish(self) -> None:
        self.complete = self.sent_to >= self.grant.export.size
