"""One JSON object a line, with the ids of request and job, and no secret in it."""

from __future__ import annotations

import json
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from config import gunicorn_log, logs
from converter.audit import context


def record(message: str = "hello %s", *arguments: Any, **extra: Any) -> logging.LogRecord:
    made = logging.getLogger("cutroom.test").makeRecord("cutroom.test", logging.INFO, "f", 1, message, arguments, None, extra=extra)
    logs.ContextFilter().filter(made)
    return made


def test_one_object_a_line_with_both_ids() -> None:
    with context.use_job("job-1", "request-1"):
        line = logs.JsonFormatter().format(record("hello %s", "wörld", bytes_out=5))
    data = json.loads(line)
    assert "\n" not in line
    assert data["message"] == "hello wörld"
    assert (data["request_id"], data["job_id"], data["level"], data["logger"]) == ("request-1", "job-1", "info", "cutroom.test")
    assert data["bytes_out"] == 5
    assert data["time"].endswith("Z")


def test_extra_cannot_replace_what_a_line_is_made_of() -> None:
    data = json.loads(logs.JsonFormatter().format(record("a", level="fake", time="never")))
    assert data["level"] == "info"
    assert data["time"] != "never"


def test_a_traceback_stays_on_the_line() -> None:
    made = record("broken\nline")
    try:
        raise ValueError("oh")
    except ValueError:
        made.exc_info = sys.exc_info()
    line = logs.JsonFormatter().format(made)
    assert "\n" not in line
    assert "ValueError: oh" in json.loads(line)["exception"]


def test_a_token_in_a_message_is_hidden_and_the_request_is_known_after_its_end() -> None:
    made = record("Gone: %s", "/download/topsecret/", request=SimpleNamespace(request_id="r-1"))
    data = json.loads(logs.JsonFormatter().format(made))
    assert (data["message"], data["request_id"]) == ("Gone: /download/…/", "r-1")
    assert "topsecret" not in logs.TextFormatter().format(made)


def test_text_for_eyes() -> None:
    with context.use_job("job-1"):
        assert "info     cutroom.test: hello you  n=3  job_id=job-1" in logs.TextFormatter().format(record("hello %s", "you", n=3))


def test_auto_is_text_only_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: True))
    assert logs.logging_config("INFO", "auto")["handlers"]["stderr"]["formatter"] == "text"
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(isatty=lambda: False))
    assert logs.logging_config("INFO", "auto")["handlers"]["stderr"]["formatter"] == "json"


def test_the_access_log_has_no_tokens_and_no_queries(caplog: pytest.LogCaptureFixture) -> None:
    logger = gunicorn_log.GunicornLogger.__new__(gunicorn_log.GunicornLogger)
    logger.access_log = logging.getLogger("gunicorn.access")
    response = SimpleNamespace(status=200, headers=[(b"X-Request-ID", b"abc")], sent=10)
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/download/topsecret/", "QUERY_STRING": "direct=1", "REMOTE_ADDR": "::1"}
    with caplog.at_level(logging.INFO, "gunicorn.access"):
        logger.access(response, None, environ, SimpleNamespace(seconds=1, microseconds=500_000))
    (entry,) = [record for record in caplog.records if record.name == "gunicorn.access"]  # a thread of the test before may log, too
    assert entry.getMessage() == "POST /download/…/ 200"
    assert (entry.request_id, entry.seconds, entry.sent) == ("abc", 1.5, 10)  # type: ignore[attr-defined]
    assert "topsecret" not in logs.JsonFormatter().format(entry)


def test_a_question_that_was_taken_back_is_no_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    """gunicorn counts as 500 what was never answered; that is ours only when the application failed."""
    logger = gunicorn_log.GunicornLogger.__new__(gunicorn_log.GunicornLogger)
    logger.access_log, logger.error_log = logging.getLogger("gunicorn.access"), logging.getLogger("gunicorn.error")
    environ, took = {"REQUEST_METHOD": "GET", "PATH_INFO": "/health/", "REMOTE_ADDR": "::1"}, SimpleNamespace(seconds=0, microseconds=0)

    def answered(status: int, *headers: tuple[str, str]) -> None:
        logger.access(SimpleNamespace(status=status, headers=list(headers), sent=0), None, environ, took)

    with caplog.at_level(logging.INFO, "gunicorn.access"):
        answered(500)
        answered(500, ("Content-Length", "0"))
        logger.exception("Error in ASGI application")
        answered(500)
        answered(500)
    assert [entry.status for entry in caplog.records if entry.name == "gunicorn.access"] == [499, 500, 500, 499]  # type: ignore[attr-defined]
