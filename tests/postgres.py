"""A real PostgreSQL for the tests."""

from converter.faults.postgres import programs, server, url_of

__all__ = ["programs", "server", "url_of"]
