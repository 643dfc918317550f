"""The broker only wakes workers: what is sent where, and what happens while it is away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from config.celery import app


def test_the_contract_of_the_queue() -> None:
    conf = app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert conf.result_backend is None
    assert not conf.worker_hijack_root_logger
    assert conf.broker_transport_options["visibility_timeout"] > 6 * 3600


def test_only_work_goes_to_the_media_queue() -> None:
    app.loader.import_default_modules()
    names = [name for name in app.tasks if name.startswith("converter.")]
    assert "converter.tasks.run_job" in names
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in names}
    assert {name for name, queue in queues.items() if queue == "media"} == {"converter.tasks.run_job", "converter.tasks.look"}
    assert set(queues.values()) == {"media", "control"}


def test_what_is_scheduled_exists_and_expires() -> None:
    app.loader.import_default_modules()
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] <= entry["schedule"]


def test_the_transport_knows_the_options(settings: Any) -> None:
    """A misspelt option would be ignored in silence."""
    with app.connection_for_read() as connection:
        channel = connection.default_channel
        for name in ("visibility_timeout", "unacked_restore_interval", "unacked_restore_throttle"):
            assert getattr(channel, name) == app.conf.broker_transport_options[name]


@pytest.mark.parametrize("url", ["redis+socket:///nowhere/redis.sock", "redis://127.0.0.1:1/0"])
def test_without_a_broker_sending_fails_at_once(url: str) -> None:
    """No endless retry: the row is the truth, and the sweep sends again."""
    away = Celery("away", broker=url, set_as_current=False)  # or the tests after it would patch its tasks instead of ours
    away.conf.update({name: value for name, value in app.conf.changes.items() if name != "broker_url"})
    with pytest.raises(OperationalError):
        away.send_task("converter.tasks.run_job", args=["x"], queue="media")


def test_a_message_reaches_the_queue(redis_socket: Any) -> None:
    import redis

    sent = app.send_task("converter.tasks.run_job", args=["x"], queue="media")
    with redis.Redis(unix_socket_path=str(redis_socket)) as client:
        queued = {name: [json.loads(message)["headers"]["id"] for message in client.lrange(name, 0, -1)] for name in ("media", "control")}
    assert queued["media"].count(sent.id) == 1
    assert sent.id not in queued["control"]
