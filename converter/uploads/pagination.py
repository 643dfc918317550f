"""Pages of lists, newest first."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request

from converter.engine.errors import MediaError


class Pages(CursorPagination):
    """A cursor: pages stay right while new rows arrive. `limit` asks for up to 200 rows."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def decode_cursor(self, request: Request) -> Any:
        """The place to go on from. Raises `MediaError("bad_parameter")` for what is none of ours: the list itself is there."""
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise MediaError("bad_parameter", "cursor: it is none of this list; follow `next` and `previous`.", field="cursor") from None


class NewestFirst(Pages):
    """A cursor over `created_at`."""

    ordering = ("-created_at", "-id")
