"""gunicorn's part of the logs. Apart from the others, because settings read those, and gunicorn is long to import."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

from converter.audit.scrub import scrub

BROKEN_OFF = 499
"""The status, as other web servers write it, of a request whose sender was gone before there was an answer."""


class GunicornLogger(Logger):  # type: ignore[misc]
    """gunicorn's messages and its access log in the same form as everything else."""

    _failed = False
    """Whether the application let an exception out; gunicorn logs that request's line right after it."""

    def setup(self, cfg: Any) -> None:
        """Take the handlers from the logging configuration alone."""
        super().setup(cfg)
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """What gunicorn itself caught."""
        self._failed = True
        super().exception(msg, *args, **kwargs)

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: Any) -> None:
        """One line per request; neither queries nor one-time tokens stand in it."""
        failed, self._failed = self._failed, False
        status = str(resp.status).split(" ", 1)[0]
        if status == "500" and not resp.headers and not failed:
            # gunicorn's default for what was never answered: the supervisor's questions while the site still loads, or a page that was left.
            status = str(BROKEN_OFF)
        headers = resp.headers.items() if hasattr(resp.headers, "items") else resp.headers
        request_id = next((_text(value) for name, value in headers if _text(name).lower() == "x-request-id"), "")
        self.access_log.info(
            "%s %s %s",
            environ.get("REQUEST_METHOD", ""),
            scrub(environ.get("PATH_INFO", "")),
            status,
            extra={
                "request_id": request_id,
                "status": int(status) if status.isdigit() else status,
                "sent": getattr(resp, "sent", None),
                "seconds": round(request_time.seconds + request_time.microseconds / 1e6, 4),
                "address": environ.get("REMOTE_ADDR", ""),
            },
        )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
