"""Nothing is lost or done twice, wherever a process dies; and the harness that says so catches what does not hold."""

import asyncio
import itertools
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import BaseModel
from resonate.context import Context
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from {{ package_name }} import (
    ambient,
    ids,
)
{%- if not bare %}
from {{ package_name }}.api.idempotency import (
    Status,
)
from {{ package_name }}.contracts.workflows import (
    Aggregate,
    Decision,
    ProcessJob,
    aggregate,
    approval,
    process_job,
)
{%- endif %}
from {{ package_name }}.db.database import (
    Database,
)
from {{ package_name }}.db.operations import (
    once,
)
from {{ package_name }}.gate import (
    Gate,
)
from {{ package_name }}.rpc import (
    DurableCall,
    Rpc,
    serve,
)

from .crashes import CALLS_TO, Crashes

{%- if not bare %}


def test_process_job_survives_crashes(crashes: Crashes) -> None:
    outcome = crashes(process_job, ProcessJob(account_id="acc-1"))
    assert outcome.status is Status.SUCCEEDED


@pytest.mark.parametrize("approved", [True, False])
def test_an_approval_survives_crashes(crashes: Crashes, approved: bool) -> None:
    job = ProcessJob(account_id="acc-1", requires_approval=True)
    outcome = crashes(process_job, job, answers={approval: Decision(approved=approved)})
    assert outcome.error == (None if approved else "not approved: the job was rejected")


def test_a_job_that_nobody_decides_survives_crashes(crashes: Crashes) -> None:
    outcome = crashes(process_job, ProcessJob(account_id="acc-1", requires_approval=True), answers={})
    assert outcome.error == "not approved: nobody decided in time"


def test_aggregate_survives_crashes(crashes: Crashes) -> None:
    outcome = crashes(aggregate, Aggregate(account_ids=["acc-3", "nobody", "acc-1"]))
    assert outcome.status is Status.SUCCEEDED
{%- endif %}


async def test_the_order_of_calls_does_not_depend_on_hashes(tmp_path: Path) -> None:
    """What iterates over a set makes its calls in another order in another process, and a replay would not fit."""
    files = [path for path in Path(__file__).parent.glob("test_*.py") if "crashes: Crashes" in path.read_text("utf-8")]
    first, *others = await _under_seeds(tmp_path, [str(path) for path in files])
    for other in others:
        assert other.keys() == first.keys()
        for test, calls in first.items():
            for call_id in sorted(calls.keys() | other[test].keys()):
                assert calls.get(call_id) == other[test].get(call_id), f"{test}: {call_id} depends on PYTHONHASHSEED"


async def _under_seeds(scratch: Path, files: list[str]) -> list[dict[str, dict[str, str]]]:
    """The calls of every test that crashes something, in interpreters that hash text differently: by test, by id."""

    async def calls(seed: int) -> dict[str, dict[str, str]]:
        record = scratch / f"calls-{seed}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--basetemp={scratch / str(seed)}", *files),
            env={**os.environ, "PYTHONHASHSEED": str(seed), CALLS_TO: str(record)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode in (0, 5), output.decode()
        lines = record.read_text().splitlines() if record.exists() else []
        return {line["test"]: line["calls"] for line in map(json.loads, lines)}

    return await asyncio.gather(*(calls(seed) for seed in (1, 2)))


class Note(BaseModel):
    text: str = "-"


type Function = Callable[[Context, Note], Awaitable[Note]]

planted = Rpc(name="planted", group="workers", request=Note, result=Note)
note = Rpc(name="db.note", group="db", request=Note, result=Note)


async def honest(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=await ctx.run(_stamp)))


async def _stamp(ctx: Context) -> str:
    return f"{ambient.now(ctx).isoformat()} {ambient.new_uuid(ctx)} {ambient.new_uuid(ctx)}"


RUNS = itertools.count()


async def counts_its_runs(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=f"run {next(RUNS)}"))


async def answers_by_its_runs(ctx: Context, request: Note) -> Note:
    await note(ctx, request)
    return Note(text=f"run {next(RUNS)}")


async def reads_the_date(ctx: Context, request: Note) -> Note:
    """It shows in no run that is over by midnight."""
    return await note(ctx, Note(text=today()))


def today() -> str:
    return date.today().isoformat()


async def draws(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text="seldom" if random.random() < 0.0001 else "nearly always"))


async def reads_the_clock(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=datetime.now(UTC).isoformat()))


async def makes_an_id(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=uuid4().hex))


async def answers_by_the_clock(ctx: Context, request: Note) -> Note:
    await note(ctx, request)
    return Note(text=datetime.now(UTC).isoformat())


async def reads_what_is_pinned(ctx: Context, request: Note) -> Note:
    return await note(ctx, Note(text=ambient.now(ctx).isoformat()))


async def waits_at_a_gate(ctx: Context, request: Note) -> Note:
    """Without an answer, nothing that comes after the gate would ever be crashed."""
    await Gate("gate", Note).wait(ctx, ids.public_of(ctx.info.id), timedelta(hours=1))
    return await note(ctx, Note(text=uuid4().hex))


async def awaits_in_a_task_group(ctx: Context, request: Note) -> Note:
    async def one(call: DurableCall[Note]) -> Note:
        return await call

    async with asyncio.TaskGroup() as group:
        task = group.create_task(one(note(ctx, request)))
    return task.result()


async def write_once(ctx: Context, request: Note) -> Note:
    async def effect(session: AsyncSession) -> Note:
        await session.execute(text("INSERT INTO notes (text) VALUES (:text)"), {"text": request.text})
        return request

    return await once(ctx.get_dependency(Database), ids.operation("note", "1"), request, Note, effect)


async def write_by_a_new_name(ctx: Context, request: Note) -> Note:
    async def effect(session: AsyncSession) -> Note:
        await session.execute(text("INSERT INTO notes (text) VALUES (:text)"), {"text": request.text})
        return request

    operation_id = ids.operation("note", str(ambient.new_uuid(ctx)))
    return await once(ctx.get_dependency(Database), operation_id, request, Note, effect)


async def write_of_another_time(ctx: Context, request: Note) -> Note:
    return await write_once(ctx, Note(text=ambient.now(ctx).isoformat()))


async def write_plainly(ctx: Context, request: Note) -> Note:
    async with ctx.get_dependency(Database).write() as session:
        await session.execute(text("INSERT INTO notes (text) VALUES (:text)"), {"text": request.text})
    return request


def crash_planted(crashes: Crashes, migrated: Path, workflow: Function, write: Function) -> None:
    noted = Path(shutil.copy(migrated, crashes.scratch / "noted.db"))
    with closing(sqlite3.connect(noted)) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
    it = Crashes(noted, crashes.scratch, crashes.test)
    it(planted, Note(), served=[serve(planted, workflow), serve(note, write)])


def test_honest_code_passes(crashes: Crashes, migrated: Path) -> None:
    crash_planted(crashes, migrated, honest, write_once)


@pytest.mark.usefixtures("no_settings")
@pytest.mark.parametrize(
    ("workflow", "write", "caught"),
    [
        (counts_its_runs, write_once, "crash/test-1:1 was"),
        (answers_by_its_runs, write_once, "it ended as"),
        (reads_the_clock, write_once, r"planted calls datetime.now in the workflow itself \(test_crashes.py:"),
        (reads_the_date, write_once, "planted calls date.today in the workflow itself"),
        (makes_an_id, write_once, "planted calls uuid4 in the workflow itself"),
        (draws, write_once, "planted calls Random.random in the workflow itself"),
        (answers_by_the_clock, write_once, "planted calls datetime.now in the workflow itself"),
        (reads_what_is_pinned, write_once, "planted reads the time in the workflow itself"),
        (waits_at_a_gate, write_once, "planted waits for an answer to gate/test-1\n"),
        (awaits_in_a_task_group, write_once, "planted waits for ever"),
        (honest, write_plainly, "table notes has"),
        (honest, write_by_a_new_name, "rows in table notes: 2"),
        (honest, write_of_another_time, "it ended as failed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_does_not_hold_is_caught(
    tmp_path: Path, migrated: Path, workflow: Function, write: Function, caught: str
) -> None:
    with pytest.raises(pytest.fail.Exception, match=caught):
        crash_planted(Crashes(migrated, tmp_path, "planted"), migrated, workflow, write)
