"""What the broker wakes: each task loads by id, calls, and is safe to run twice."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from celery import shared_task
from celery.signals import worker_shutting_down
from kombu.exceptions import OperationalError
from redis import RedisError

from converter import maintenance, nightly, runner
from converter.engine.faultpoints import reach
from converter.jobs import services as jobs
from converter.jobs import turns
from converter.jobs.pulse import shutting_down
from converter.owners import adoption

logger = logging.getLogger(__name__)
LOOK_SECONDS = 5
"""A look that no worker was free for is asked for again by the next sweep, rather than waiting in line twice."""


@shared_task(name="converter.tasks.run_job")
def run_job(job_id: str) -> None:
    """Work on the jobs whose turn it is, one after another: the message wakes, it does not choose. A message too many finds nothing.

    It goes on because the end of a job may be what another had to wait for (a bound per owner, a suspect), whose message is long gone.
    """
    while not shutting_down.is_set() and runner.run():
        pass
    if turns.paused():
        jobs.forget_messages(pk=uuid.UUID(job_id))


@shared_task(name="converter.tasks.sweep")
def sweep() -> None:
    """Every few seconds: take jobs back from lost workers, wake workers for those that wait, and have new uploads looked at."""
    maintenance.recover(send)
    for upload_id in runner.unseen():
        if not _publish(look, upload_id):
            return


@shared_task(name="converter.tasks.look")
def look(upload_id: str) -> None:
    """Look at an upload, so that estimates know more than its headers say."""
    runner.look(uuid.UUID(upload_id))


@shared_task(name="converter.tasks.cleanup")
def cleanup() -> None:
    """Every few minutes: let go of what the retention says, and of what crashes left."""
    maintenance.clean()
    adoption.settle()


@shared_task(name="converter.tasks.nightly")
def nightly_work() -> None:
    """Every hour, and done once a day: verify and shorten the trail, forget what has ended."""
    nightly.run_if_due()


def send(job_id: uuid.UUID) -> bool:
    """Send the message that wakes a worker for a job. False when the broker is away or jobs are paused: the sweep sends again."""
    if turns.paused():
        return False
    try:
        reach("enqueue")
        run_job.apply_async(args=(str(job_id),))
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("no message could be sent for a job; the sweep will send it again: %s", error, extra={"job_id": str(job_id)})
        return False
    reach("enqueued")
    jobs.mark_sent(job_id)
    reach("enqueue.noted")
    return True


def _publish(task: Any, upload_id: uuid.UUID) -> bool:
    """Ask for a look within the next seconds; the next sweep asks again. False when the broker is away."""
    try:
        task.apply_async(args=(str(upload_id),), expires=LOOK_SECONDS)
    except (OperationalError, RedisError, OSError) as error:
        logger.info("nobody could be asked for a look: %s", error)
        return False
    return True


@worker_shutting_down.connect
def _stop_work(**details: Any) -> None:
    """Do not wait for long jobs when a worker is to end: they go back to the queue at once."""
    shutting_down.set()
