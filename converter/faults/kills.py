"""kill -9 at every named point of every process, of tools, and SIGSTOP beyond the lease."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from random import Random

import psutil
from django.conf import settings
from django.db import transaction

from converter.engine.faultpoints import CONTROL, POINTS, WEB, WORKER
from converter.jobs.models import Job

from .stack import Stuck, stands_still, until
from .world import World

PLACES = sorted((role, point) for point, roles in POINTS.items() for role in roles)
OFTEN = frozenset({"upload.write", "upload.written", "upload.sync", "upload.synced", "audit.seal", "audit.sealed", "state.row", "state.committed"})
"""Points that a workload passes more than once."""

FAIL = frozenset({"upload.write", "upload.file", "file.rename", "attempt.directory"})
"""Points before a write, where a full disk would show."""

OUTSIDE = ("attempt.claimed", "attempt.directory", "attempt.made", "file.rename", "file.renamed")
"""Points of an attempt outside of transactions: a worker that sleeps within one keeps SQLite's only lock, and everybody waits for it."""

ENCODE = {"crf": 30}


def kill(world: World, dice: Random) -> str:
    """One process dies at one point while a file is sent, jobs run, one is cancelled, and a result is taken."""
    role, point = dice.choice(PLACES)
    actions = ("kill", "kill", "kill-group", "full") if point in FAIL else ("kill", "kill-group")
    action, passes = dice.choice(actions), dice.choice((1, 2, 3)) if point in OFTEN else 1
    armed = (role, point, passes, action, f"{dice.random()}")
    if role == CONTROL:
        fired = _while_a_worker_is_lost(world, armed)
    else:
        world.stack.arm(*armed)
        _work(world, dice)
        fired = world.stack.fired() is not None
    world.settle()
    return f"{role} {point} ×{passes} {action}" + ("" if fired else " (not reached)")


def _work(world: World, dice: Random) -> None:
    client = world.client
    upload_id = client.upload(world.clips["small"])
    jobs = [client.submit(upload_id) for _ in range(2)]
    given_up = client.submit(upload_id)
    cancelled = client.insist("POST", f"/api/v1/jobs/{given_up}/cancel/").status
    if cancelled not in (200, 409):
        raise Stuck(f"cancelling was answered by {cancelled}")
    until(world.at_rest, "the end of every job", meanwhile=world.sweep)
    for job_id in jobs:
        succeeded(job_id)
    if not client.take(dice.choice(jobs)):
        raise Stuck("a download had other bytes than its export says")


def _while_a_worker_is_lost(world: World, armed: tuple[str, str, int, str, str]) -> bool:
    """The scheduler dies while it takes a lost worker's job back. Returns whether it did."""
    upload_id = world.client.upload(world.clips["large"])
    job_id = world.client.submit(upload_id, "compress", ENCODE)
    until(lambda: world.running(job_id) and world.stack.tools(), "the job running")
    world.stack.arm(*armed)
    world.stack.kill(WORKER)
    with suppress(Stuck):
        until(world.stack.fired, "the point", seconds=20)
    fired = world.stack.fired() is not None
    world.settle(sweep=False)
    succeeded(job_id)
    return fired


def tool(world: World, dice: Random) -> str:
    """A media tool is killed while it works: a fault of ours, tried again."""
    upload_id = world.client.upload(world.clips["large"])
    job_id = world.client.submit(upload_id, "compress", ENCODE)
    until(world.stack.tools, "a tool at work")
    victim = dice.choice(world.stack.tools() or [None])
    if victim is not None:
        with suppress(psutil.Error):
            victim.kill()
    world.settle()
    succeeded(job_id)
    return f"tool {victim.pid if victim else 'gone'}; {Job.objects.get(pk=job_id).faults} faults"


def probe(world: World, dice: Random) -> str:
    """The warm reader of uploads, or its copy that reads one, is killed at that moment: the file is read all the same, and so is the next."""
    world.client.upload(world.clips["small"])  # starts the reader where there is none
    whom, killed, over = dice.choice(("reader", "copy")), threading.Event(), threading.Event()
    hunter = threading.Thread(target=_hunt, args=(world, whom, dice.uniform(0, 0.02), killed, over), daemon=True)
    hunter.start()
    try:
        for _ in range(10):
            upload_id = world.client.upload(world.clips["small"])
            if killed.is_set():
                break
    finally:
        over.set()
        hunter.join()
    job_id = world.client.submit(upload_id)
    world.client.upload(world.clips["large"])
    world.settle()
    succeeded(job_id)
    return whom + ("" if killed.is_set() else " (not met at work)")


def _hunt(world: World, whom: str, seconds: float, killed: threading.Event, over: threading.Event) -> None:
    """Kill one of those who read an upload, so many seconds after it was seen at work."""
    while not over.is_set():
        with suppress(psutil.Error):
            family = [one for one in world.stack.part(WEB).children(recursive=True) if "probe_zygote.py" in " ".join(one.cmdline())]
            copies = [one for one in family if one.ppid() in {other.pid for other in family}]
            if copies:
                over.wait(seconds)
                victim = copies[0].parent() if whom == "reader" else copies[0]
                if victim is not None and copies[0].status() != psutil.STATUS_ZOMBIE:  # which is one that is through
                    victim.kill()
                    killed.set()
                    return
        over.wait(0.001)


def poison(world: World, dice: Random) -> str:
    """A job that kills its worker each time is given up after so many, and another's job beside it is not."""
    upload_id = world.client.upload(world.clips["small"])
    fatal = settings.JOB_MAX_LOSSES + 1
    # Armed before the job can be taken, for the first time or again: a quick worker would be through in between.
    world.stack.arm(WORKER, "attempt.directory", 1, "kill", f"{dice.random()}")
    poisonous = world.client.submit(upload_id)
    for losses in range(1, fatal + 1):
        until(world.stack.fired, "the worker's death", meanwhile=world.sweep)
        if losses < fatal:
            world.stack.arm(WORKER, "attempt.directory", 1, "kill", f"{dice.random()}")
        until(lambda losses=losses: Job.objects.filter(pk=poisonous, losses=losses).exists(), "its job taken back", meanwhile=world.sweep)  # type: ignore[misc]
    innocent = world.client.submit(upload_id)
    world.settle()
    succeeded(innocent)
    job = Job.objects.get(pk=poisonous)
    if (job.status, job.error_code, job.attempt) != ("failed", "lost_worker", fatal):
        raise Stuck(f"a job that kills workers {job.status} with {job.error_code} after {job.attempt} attempts")
    return f"given up after {job.losses} workers"


def sleep(world: World, dice: Random) -> str:
    """A worker sleeps past its lease, another does the job, and the first one must not publish when it wakes."""
    point = dice.choice(OUTSIDE)
    upload_id = world.client.upload(world.clips["small"])
    world.stack.arm(WORKER, point, 1, "wait", f"{dice.random()}")
    job_id = world.client.submit(upload_id)
    until(world.stack.fired, f"a worker passing {point}")
    sleeper = world.stack.fired() or 0
    try:
        with transaction.atomic():
            # The lock of all writers is ours: whoever slept with SQLite's would keep everybody waiting until it wakes.
            os.kill(sleeper, signal.SIGSTOP)
            until(lambda: stands_still(sleeper), "the worker's standing still")
        until(lambda: Job.objects.filter(pk=job_id, losses__gte=1).exists(), "the lease running out", meanwhile=world.sweep)
        second = world.stack.worker()
        until(world.at_rest, "the job's end by another worker", meanwhile=world.sweep)
    finally:
        world.stack.disarm()
        os.kill(sleeper, signal.SIGCONT)
    world.settle()
    world.stack.end(second)
    succeeded(job_id)
    return f"asleep at {point}"


def succeeded(job_id: str) -> None:
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise Stuck(f"job {job_id} was accepted and is not there")
    if job.status != "succeeded":
        raise Stuck(f"job {job_id} {job.status} with {job.error_code} after {job.attempt} attempts, {job.faults} faults and {job.losses} losses")
