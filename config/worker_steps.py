"""What our Celery workers do beside tasks: a sign of life, and the schedule inside the control worker."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import Any

import redis
from celery import bootsteps
from celery.beat import EmbeddedService
from django.conf import settings

log = logging.getLogger(__name__)

SIGN_SECONDS = 5.0
SIGN_LIFETIME = 15
"""Seconds after which a worker that no longer signs counts as gone."""


def sign_key(queue: str, process: int | str) -> str:
    """The key under which a worker process of a queue says that it lives."""
    return f"cutroom:worker:{queue}:{process}"


def queues_of(worker: Any) -> list[str]:
    """The queues that a worker consumes."""
    return sorted(worker.app.amqp.queues.consume_from)


class Courtesy(bootsteps.Step):
    """A worker that encodes, and every tool that it starts, gives way to whoever serves pages."""

    def __init__(self, worker: Any, **options: Any) -> None:
        if "media" in queues_of(worker):
            os.nice(settings.WORKER_NICE)  # before the pool's threads are there: they take it over, and tools from them


class SignOfLife(bootsteps.StartStopStep):
    """Write a key with an expiry every few seconds; /health/ready/ looks for it."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        seconds = settings.REDIS_SECONDS
        self.client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=seconds, socket_connect_timeout=seconds)
        self.entry: Any = None

    def start(self, worker: Any) -> None:
        """Sign now and from now on."""
        self.sign(worker)
        self.entry = worker.timer.call_repeatedly(SIGN_SECONDS, self.sign, (worker,), priority=10)

    def stop(self, worker: Any) -> None:
        """Take the sign back."""
        if self.entry is not None:
            self.entry.cancel()
            self.entry = None
        with contextlib.suppress(redis.RedisError):
            self.client.delete(*(sign_key(queue, os.getpid()) for queue in queues_of(worker)))
        self.client.close()

    def terminate(self, worker: Any) -> None:
        """The same at a cold stop."""
        self.stop(worker)

    def sign(self, worker: Any) -> None:
        """Write the keys; without a server there is nobody to read them either."""
        try:
            for queue in queues_of(worker):
                self.client.set(sign_key(queue, os.getpid()), "1", ex=SIGN_LIFETIME)
        except redis.RedisError as error:
            log.debug("no sign of life could be written: %s", error)


class Schedule(bootsteps.StartStopStep):
    """Celery's beat as a thread of the worker that consumes `control`: one process less."""

    def __init__(self, worker: Any, **options: Any) -> None:
        self.enabled = "control" in worker.app.amqp.queues.consume_from
        self.service: Any = None

    def include_if(self, worker: Any) -> bool:
        """Only where the scheduled tasks are worked on."""
        return self.enabled

    def start(self, worker: Any) -> None:
        """Start the schedule's thread."""
        self.service = EmbeddedService(worker.app, thread=True, scheduler_cls="celery.beat.Scheduler")
        self.service.start()

    def stop(self, worker: Any) -> None:
        """End the thread."""
        if self.service is not None:
            self.service.stop()
            self.service = None

    def terminate(self, worker: Any) -> None:
        """The same at a cold stop."""
        self.stop(worker)
