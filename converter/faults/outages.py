"""What Cutroom leans on goes away: Redis with and without its data, the database, the disk, the right time, and the single message."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

from django.db import connection, transaction

from converter import tasks
from converter.engine.faultpoints import WORKER
from converter.jobs.models import Job
from converter.uploads.models import Upload

from . import invariants
from .kills import ENCODE, succeeded
from .stack import Stuck, until
from .world import World, asked


def repeat(world: World, dice: Random) -> str:
    """The same message fifty times before and while the job runs, and fifty times more when it is over."""
    job_id = world.client.submit(world.client.upload(world.clips["small"]))
    for _ in range(50):
        tasks.run_job.apply_async(args=(job_id,))
    until(world.at_rest, "the job's end")
    for _ in range(50):
        tasks.run_job.apply_async(args=(job_id,))
    world.settle()
    succeeded(job_id)
    job = Job.objects.get(pk=job_id)
    if job.attempt != 1 + job.losses + job.faults:  # a machine that stands still for as long as a lease loses one, and then another is due
        raise Stuck(f"101 messages led to {job.attempt} attempts, with {job.losses} losses and {job.faults} faults")
    return "101 messages, one attempt" + (f" and {job.losses} after losses" if job.losses else "")


def redis(world: World, dice: Random) -> str:
    """Redis dies in the middle, with its data or without, and the schedule alone puts everything right."""
    forget = dice.random() < 0.5
    upload_id = world.client.upload(world.clips["large"])
    jobs = [world.client.submit(upload_id, "compress", ENCODE) for _ in range(3)]
    until(lambda: any(world.running(job_id) for job_id in jobs), "a job running")
    with world.stack.without("redis", forget=forget):
        time.sleep(dice.uniform(0.0, 1.0))
    world.settle(sweep=False)
    for job_id in jobs:
        succeeded(job_id)
    return "Redis killed, " + ("its data lost" if forget else "its data kept")


def broker(world: World, dice: Random) -> str:
    """No broker for a while: files and jobs are still taken, and done when it is back."""
    upload_id = world.client.upload(world.clips["small"])
    with world.stack.without("redis"):
        ends = time.monotonic() + world.seconds
        jobs = [world.client.submit(upload_id), world.client.submit(world.client.upload(world.clips["small"]))]
        while time.monotonic() < ends:
            time.sleep(0.1)
    world.settle(sweep=False)
    for job_id in jobs:
        succeeded(job_id)
    return f"no broker for {world.seconds:g} s"


def busy(world: World, dice: Random) -> str:
    """Redis dies while every place of the worker is taken, and is back when their work is done: the worker must hear what comes then."""
    forget = dice.random() < 0.5
    upload_id = world.client.upload(world.clips["large"])
    places = int(os.environ.get("WORKER_CONCURRENCY", "2"))
    jobs = [world.client.submit(upload_id, "compress", ENCODE) for _ in range(places)]
    until(lambda: all(world.running(job_id) for job_id in jobs), "every place taken")
    with world.stack.without("redis", forget=forget):
        until(world.at_rest, "the end of what runs")
        time.sleep(2)  # the worker tries to say so, in vain
    jobs.append(world.client.submit(upload_id))
    world.settle(sweep=False)
    for job_id in jobs:
        succeeded(job_id)
    return "Redis killed while all were busy, " + ("its data lost" if forget else "its data kept")


def locked(world: World, dice: Random) -> str:
    """Somebody holds the database's lock while a job runs and a file is sent."""
    upload_id = world.client.upload(world.clips["large"])
    job_id = world.client.submit(upload_id, "compress", ENCODE)
    until(lambda: world.running(job_id), "the job running")
    with _lock():
        ends = time.monotonic() + world.seconds / 2
        while time.monotonic() < ends:
            world.client.call("POST", "/api/v1/uploads/tus/", patience=1, Upload_Length="1000", Tus_Resumable="1.0.0")
    second = world.client.submit(world.client.upload(world.clips["small"]))
    # Whoever asked meanwhile is long gone, but their requests go on once there is no lock, each with its file before its row.
    until(lambda: asked(lambda: not invariants.unnamed(), False), "the end of every request")
    world.settle()
    succeeded(job_id)
    succeeded(second)
    return f"locked for {world.seconds / 2:g} s"


@contextmanager
def _lock() -> Iterator[None]:
    with transaction.atomic():  # on SQLite that is the write lock
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                for model in (Job, Upload):
                    cursor.execute(f"LOCK TABLE {connection.ops.quote_name(model._meta.db_table)} IN ACCESS EXCLUSIVE MODE")
        yield


def postgres(world: World, dice: Random) -> str:
    """PostgreSQL is shut down or crashes while a job runs and a file is sent, and comes back."""
    if world.postgres is None:
        return "not on this database"
    how = dice.choice((signal.SIGINT, signal.SIGQUIT))
    job_id = world.client.submit(world.client.upload(world.clips["large"]), "compress", ENCODE)
    until(lambda: world.running(job_id), "the job running")
    world.postgres.stop(how)
    time.sleep(dice.uniform(0.0, 3.0))
    connection.close()
    world.postgres.start()
    second = world.client.submit(world.client.upload(world.clips["small"]))
    world.settle()
    succeeded(job_id)
    succeeded(second)
    return f"restarted after {how.name}"


def clock(world: World, dice: Random) -> str:
    """A worker whose clock is an hour off does a job under the eyes of a sweep with the right time: nobody takes it away."""
    shift = dice.choice((-3600.0, 3600.0))
    upload_id = world.client.upload(world.clips["large"])
    regular = world.stack.part(WORKER)
    regular.suspend()
    second = world.stack.worker(shift)
    try:
        job_id = world.client.submit(upload_id, "compress", ENCODE)
        until(world.at_rest, "the job's end", meanwhile=world.sweep)
    finally:
        regular.resume()
    world.settle()
    world.stack.end(second)
    succeeded(job_id)
    job = Job.objects.get(pk=job_id)
    if (job.attempt, job.losses) != (1, 0):
        raise Stuck(f"the job of a worker with a wrong clock was taken back: {job.attempt} attempts, {job.losses} losses")
    return f"clock {shift:+g} s"


def disk(world: World, dice: Random) -> str:
    """The disk is full during an upload, an encode and a write of the database; once there is room again, all is done."""
    if not world.own_disk:
        return "no file system could be mounted; full disks are met at points by “kill”"
    media = Path(os.environ["MEDIA_ROOT"])
    upload_id = world.client.upload(world.clips["large"])
    with _ballast(media, len(world.clips["large"]) // 2):
        answer = world.client.call("POST", "/api/v1/uploads/tus/", Upload_Length=str(len(world.clips["large"])), Tus_Resumable="1.0.0")
        if answer.status != 507:
            raise Stuck(f"an upload larger than the room that is left was answered by {answer.status}")
    with _ballast(media, 1_000_000):  # enough for rows, too little for the result
        job_id = world.client.submit(upload_id, "compress", {"crf": 8})
        until(lambda: Job.objects.filter(pk=job_id, faults=1, error_code="disk_full").exists(), "the job meeting the full disk")
    with _ballast(media, 0):
        for _ in range(20):  # whatever can still be written is, and what can't is said
            world.client.call("POST", "/api/v1/jobs/", {"upload": upload_id, "operation": "trim", "params": {"start": dice.random(), "duration": 1}})
    last = world.client.submit(world.client.upload(world.clips["small"]))
    world.settle()
    succeeded(job_id)
    succeeded(last)
    return "full while sending, encoding and writing rows"


@contextmanager
def _ballast(directory: Path, room: int) -> Iterator[None]:
    """Leave `room` bytes on the file system."""
    path = directory / "ballast"
    try:
        # Others write meanwhile: piece by piece, until so little is left.
        with path.open("wb", buffering=0) as file, suppress(OSError):
            while (free := shutil.disk_usage(directory).free) > room:
                file.write(bytes(min(free - room, 1 << 20)))
        yield
    finally:
        path.unlink(missing_ok=True)
