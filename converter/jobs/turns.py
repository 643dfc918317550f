"""Whose turn it is: the order in which waiting jobs are taken, and a job's place in it.

A message only wakes a worker; what the worker takes is decided here, by one order for all: higher
priority first; then the owner with the fewest jobs in hand, so that 200 files of one person and a
single one of another alternate; then the owner who used less CPU lately; then the older job. A
job's turn is how many of its owner's jobs run or stand before it, so the head of the order is what
is taken next and the index in it is the place in the queue.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Expression, ExpressionWrapper
from django.db.models.functions import Now

from converter.owners.models import Owner
from converter.runtime.models import RuntimeSetting

from .models import Job
from .states import JobStatus

RECENT = timedelta(minutes=15)
"""CPU that an owner used this lately counts: whoever came out behind because of it waits no longer than that."""

LOWEST, HIGHEST = -10, 10
"""Bounds of `Job.priority`; above 0 only staff may go."""

SUSPECT = 3
"""Workers lost after which a job is suspected of killing them: of all suspects only one runs at a time, so that the innocent are told apart."""

_ORDER = "priority DESC, turn, spent, created_at, id"

# One statement, so that every place is from the same moment. The tables' names are the models', the clock the database's.
_TURNS = """
WITH held AS (
    SELECT owner_id, COUNT(*) AS running FROM {jobs} WHERE status = %s GROUP BY owner_id
), used AS (
    SELECT owner_id, SUM(cpu_seconds) AS spent FROM {jobs} WHERE finished_at > {recently} GROUP BY owner_id
), waiting AS (
    SELECT id, owner_id, priority, created_at FROM {jobs} WHERE status = %s {only} {new}
), turns AS (
    SELECT waiting.id, waiting.owner_id, priority, created_at, COALESCE(spent, 0) AS spent,
        COALESCE(running, 0) + ROW_NUMBER() OVER (PARTITION BY waiting.owner_id ORDER BY priority DESC, created_at, waiting.id) - 1 AS turn
    FROM waiting LEFT JOIN held ON held.owner_id = waiting.owner_id LEFT JOIN used ON used.owner_id = waiting.owner_id
)
"""


@dataclass(frozen=True, slots=True)
class Turn:
    """Who is next: a waiting job and its owner."""

    job_id: uuid.UUID
    owner_id: uuid.UUID


def paused() -> bool:
    """Whether the operator wants no job to be begun."""
    return PAUSED.exists()


PAUSED = RuntimeSetting.objects.filter(pk="pause_jobs", value=True)
"""Non-empty while no job may be begun; a claim asks for it in the very statement that takes the job."""


def following(most_running: int = 0) -> Turn | None:
    """The waiting job whose turn it is; None when none may be begun now. `most_running` bounds the jobs of one owner at work, 0 does not."""
    innocent = f"AND (losses < {SUSPECT} OR NOT EXISTS (SELECT 1 FROM {{jobs}} WHERE status = 'running' AND losses >= {SUSPECT}))"  # noqa: S608
    cap = f"WHERE turn < {int(most_running)}" if most_running else ""
    rows = _ask(f"SELECT id, owner_id FROM turns {cap} ORDER BY {_ORDER} LIMIT 1", only="AND available_at <= {now} " + innocent)  # noqa: S608 (no text of anybody's)
    return Turn(_uuid(rows[0][0]), _uuid(rows[0][1])) if rows else None


def positions(job_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many jobs stand before each of these; those that do not wait are left out."""
    if not job_ids:
        return {}
    marks = ", ".join(["%s"] * len(job_ids))
    rows = _ask(_placed(f"id IN ({marks})"), after=[_prepared(job_id) for job_id in job_ids])
    return {_uuid(job_id): int(place) for job_id, place in rows}


def placed(jobs: Iterable[Job]) -> list[Job]:
    """The jobs, each of which knows its `place` in the queue: one question for all of them. A job that does not wait has 0."""
    rows = list(jobs)
    places = positions([job.pk for job in rows if job.status == JobStatus.QUEUED])
    for job in rows:
        job.__dict__["place"] = places.get(job.pk, 0)
    return rows


def position_of_new(owner: Owner, priority: int = 0) -> int:
    """How many jobs would stand before one that `owner` asked for now."""
    rows = _ask(_placed("id IS NULL"), new="UNION ALL SELECT NULL, %s, %s, {now}", before=[_prepared(owner.pk), priority])
    return int(rows[0][1])


def ago(span: timedelta) -> Expression:
    """The database's own time, `span` before now."""
    return ExpressionWrapper(Now() - span, output_field=DateTimeField())


def _placed(which: str) -> str:
    places = f"SELECT id, ROW_NUMBER() OVER (ORDER BY {_ORDER}) - 1 AS place FROM turns"  # noqa: S608 (no text of anybody's)
    return f"SELECT id, place FROM ({places}) AS places WHERE {which}"  # noqa: S608


def _ask(query: str, *, only: str = "", new: str = "", before: list[Any] | None = None, after: list[Any] | None = None) -> list[tuple[Any, ...]]:
    recently, since = _compiled(ago(RECENT))
    now, _ = _compiled(Now())
    jobs = connection.ops.quote_name(Job._meta.db_table)
    text = _TURNS.format(jobs=jobs, recently=recently, only=only.format(now=now, jobs=jobs), new=new.format(now=now))
    values = [JobStatus.RUNNING.value, *since, JobStatus.QUEUED.value, *(before or []), *(after or [])]
    with connection.cursor() as cursor:
        cursor.execute(text + query, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _compiled(expression: Expression) -> tuple[str, tuple[Any, ...]]:
    compiler = Job.objects.all().query.get_compiler(connection=connection)
    text, values = compiler.compile(expression.resolve_expression(compiler.query))
    return text, tuple(values)


def _prepared(key: uuid.UUID) -> Any:
    return Job._meta.pk.get_db_prep_value(key, connection)


def _uuid(value: Any) -> uuid.UUID:
    return value if isinstance(value, uuid.UUID) else uuid.UUID(value)
