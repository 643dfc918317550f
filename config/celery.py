"""The Celery application: a broker only wakes workers; the job's row is the truth."""

from __future__ import annotations

import os
import warnings
from typing import Any

from celery import Celery
from celery.exceptions import CPendingDeprecationWarning
from celery.signals import setup_logging
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.conf import settings

from config import broker
from config.worker_steps import Courtesy, Schedule, SignOfLife

# Work in hand goes on while the broker is away: the row knows who holds the job, so nothing has to be cancelled.
warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)

broker.install()
app = Celery("cutroom")
SOCKET_SECONDS: float = settings.REDIS_SECONDS
"""Longest wait for the broker; whoever publishes fails fast, because the sweeper sends again."""

app.conf.update(
    broker_url=settings.BROKER_URL,
    result_backend=None,
    task_ignore_result=True,
    accept_content=["json"],
    task_serializer="json",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure_or_timeout=True,
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_max_tasks_per_child=None,
    task_queues=(Queue("control"), Queue("media")),
    task_default_queue="control",
    task_create_missing_queues=False,
    task_routes={"converter.tasks.run_job": {"queue": "media"}, "converter.tasks.look": {"queue": "media"}},
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=SOCKET_SECONDS,
    task_publish_retry=False,
    broker_transport_options={
        # Longer than the longest job, so that a job in hand is not handed out again; a lost worker's
        # job comes back through the reaper and the sweeper, which know its lease.
        "visibility_timeout": int(settings.JOB_MAX_SECONDS) + 3600,
        "unacked_restore_interval": 2,
        "unacked_restore_throttle": 1,
        "socket_connect_timeout": SOCKET_SECONDS,
        "socket_timeout": SOCKET_SECONDS,
        "socket_keepalive": True,
        "max_retries": 0,
    },
    timezone="UTC",
    beat_schedule={
        "sweep": {"task": "converter.tasks.sweep", "schedule": 5.0, "options": {"expires": 5}},
        "nightly": {"task": "converter.tasks.nightly", "schedule": 3600.0, "options": {"expires": 3600}},
        "cleanup": {"task": "converter.tasks.cleanup", "schedule": 600.0, "options": {"expires": 600}},
    },
)
app.autodiscover_tasks(["converter"])
app.steps["worker"].update((Courtesy, SignOfLife, Schedule))


@setup_logging.connect
def _keep_our_logging(**kwargs: Any) -> None:
    """Being connected is all: Celery then leaves the logging that the settings configured as it is."""
