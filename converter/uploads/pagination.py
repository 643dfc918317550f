"""Pages of lists, newest first."""

from __future__ import annotations

from rest_framework.pagination import CursorPagination


class NewestFirst(CursorPagination):
    """A cursor over `created_at`: pages stay right while new rows arrive. `limit` asks for up to 200 rows."""

    ordering = ("-created_at", "-id")
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
