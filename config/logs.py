"""Logs: one JSON object a line with the request's and the job's id; a readable line when a person watches."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from converter.audit.scrub import scrub, scrub_value

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORMATS = ("auto", "json", "text")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "request_id", "job_id", "taskName"}
_HANDED_OVER = frozenset({"request", "server_time"})  # objects that Django attaches; they are not data


class ContextFilter(logging.Filter):
    """Put the ids of the request and the job that are being served on every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        from converter.audit import context

        for name in ("request_id", "job_id"):
            if getattr(record, name, None) is None:
                # Django tells of an answer after the request is over; then the request itself still knows.
                setattr(record, name, getattr(context, name).get() or getattr(getattr(record, "request", None), name, ""))
        return True


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {name: scrub_value(value, name) for name, value in vars(record).items() if name not in _STANDARD and name not in _HANDED_OVER}


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message, request_id, job_id, what `extra` gave, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        data: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
            "request_id": getattr(record, "request_id", ""),
            "job_id": getattr(record, "job_id", ""),
        }
        data |= {name: value for name, value in _extra(record).items() if name not in data}
        if record.exc_info:
            data["exception"] = scrub(self.formatException(record.exc_info))
        if record.stack_info:
            data["stack"] = scrub(self.formatStack(record.stack_info))
        return json.dumps(data, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """The same for eyes: `12:00:00 info  converter.jobs  message  [job …]`."""

    def format(self, record: logging.LogRecord) -> str:
        ids = [f"{name}={value}" for name in ("request_id", "job_id") if (value := getattr(record, name, ""))]
        extra = [f"{name}={value}" for name, value in _extra(record).items()]
        line = f"{datetime.fromtimestamp(record.created):%H:%M:%S} {record.levelname.lower():<8} {record.name}: {scrub(record.getMessage())}"
        line = "  ".join([line, *extra, *ids])
        if record.exc_info:
            line += "\n" + scrub(self.formatException(record.exc_info))
        return line


def logging_config(level: str, style: str) -> dict[str, Any]:
    """The `dictConfig` for `level` and `style` (`json`, `text`, or `auto`: text on a terminal)."""
    if style == "auto":
        style = "text" if sys.stderr.isatty() else "json"
    quiet = "WARNING" if style == "text" and level == "INFO" else level  # at a terminal the supervisor's own line says that all is up
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": "config.logs.ContextFilter"}},
        "formatters": {"json": {"()": "config.logs.JsonFormatter"}, "text": {"()": "config.logs.TextFormatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": style, "filters": ["context"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": "NOTSET", "propagate": True},
            "django.server": {"handlers": [], "level": "NOTSET", "propagate": True},
            "gunicorn.error": {"handlers": [], "level": quiet, "propagate": True},
            "gunicorn.access": {"handlers": [], "level": level, "propagate": True},
            "celery.worker.consumer.connection": {"level": quiet},
            "celery.apps.worker": {"level": quiet},
            # A line per scheduled task every five seconds helps nobody.
            "celery.beat": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
        },
    }
