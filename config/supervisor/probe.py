"""Whether the site answers; `python -m config.supervisor.probe` says so by its exit status, for containers."""

from __future__ import annotations

import http.client
import sys

from config import env

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def answers(host: str, port: int, timeout: float = 2.0) -> bool:
    """Whether `/health/` answers there, asked by a name that the site goes by."""
    names = [name.lstrip(".") for name in env.listing("ALLOWED_HOSTS") if name != "*"]
    connection = http.client.HTTPConnection(EVERYWHERE.get(host, host), port, timeout=timeout)
    try:
        connection.request("GET", "/health/", headers={"Host": names[0] if names else "localhost"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not answers(env.text("HOST", "127.0.0.1"), env.integer("PORT", 8000, low=1, high=65535), timeout=4))
