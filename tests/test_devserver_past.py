"""Journals that earlier versions wrote: the jobs that wait in them go on."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from resonate.context import Context
from resonate.types import Value

from resonate_scaffold.devserver import running
from resonate_scaffold.devserver.engine import now_ms
from resonate_scaffold.devserver.journal import Journal
from resonate_scaffold.devserver.protocol import State
from tests.test_devserver import add, client, gated, in_time, result, task_of

JOURNALS = sorted((Path(__file__).parent / "past" / "journals").glob("*.journal"))


async def waits_for_later(ctx: Context) -> int:
    """The workflow that waits in the journals, as `tests/past/write_journal.py` has it."""
    first = await ctx.options(target="db").rpc("add", 2, 2)
    second = await ctx.options(target="later").rpc("add", first, 1)
    so_far: int = await ctx.run(add, second, 10)
    return so_far


def read(past: Path, scratch: Path) -> State:
    """What a journal holds."""
    shutil.copy(past, scratch / "read.journal")
    state, journal = State(), Journal(scratch / "read.journal")
    journal.read(state)
    journal.close()
    return state


@pytest.mark.parametrize("past", JOURNALS, ids=lambda path: path.stem)
def test_jobs_in_a_past_journal_go_on(past: Path, tmp_path: Path) -> None:
    journal = tmp_path / "engine.journal"
    shutil.copy(past, journal)
    # Two minutes after it was written: leases are over, and what waits for a day still waits.
    since = now_ms() - max(promise.record.created_at for promise in read(past, tmp_path).promises.values()) - 120_000

    async def scenario() -> None:
        async with running(journal, clock=lambda: now_ms() - since) as server, contextlib.AsyncExitStack() as clients:
            assert sorted(server.engine.state.schedules) == ["s-1", "s-2"]
            # Held before, with a lease of 60 s: the next process has it when that is over, at the version that it had.
            assert task_of(server, "job/moved").version == 2
            groups = ("workers", "db", "later", "nobody")
            w, *others = [await clients.enter_async_context(client(server.url, group)) for group in groups]
            w.register(gated, name="gated")
            w.register(waits_for_later, name="waits_for_later")
            for other in others:
                other.register(add, name="add")
            for number in (1, 2):
                await w.promises.resolve(f"job/gated-{number}:2", Value(data="yes"))
                assert await result(w, f"job/gated-{number}") == "2 yes"
                assert await result(w, f"job/later-{number}") == 15
                assert await result(w, f"job/done-{number}") == 7
                assert await result(w, f"job/unserved-{number}") == 11
                assert await result(w, f"job/held-{number}") == 15
            assert await result(w, "job/moved") == 8

    in_time(scenario)


@pytest.mark.parametrize("past", JOURNALS, ids=lambda path: path.stem)
def test_no_request_of_a_past_journal_is_refused_that_was_carried_out(past: Path, tmp_path: Path) -> None:
    """Each lease that was taken, and each promise that was made, is there again."""
    state = read(past, tmp_path)
    states = {id: (promise.record.state, promise.task and promise.task.state) for id, promise in state.promises.items()}
    for number in (1, 2):
        assert states[f"job/gated-{number}"] == states[f"job/later-{number}"] == ("pending", "suspended")
        assert states[f"job/gated-{number}:1"] == states[f"job/done-{number}"] == ("resolved", "fulfilled")
        assert states[f"job/gated-{number}:2"] == ("pending", None)
        assert states[f"job/later-{number}:2"] == states[f"job/unserved-{number}"] == ("pending", "pending")
