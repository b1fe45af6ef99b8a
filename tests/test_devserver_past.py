"""Journals that earlier versions wrote: the jobs that wait in them go on."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from resonate.context import Context
from resonate.types import Value

from resonate_scaffold.devserver import running
from resonate_scaffold.devserver.protocol import State
from tests.test_devserver import add, client, gated, in_time, result, task_of

JOURNALS = sorted((Path(__file__).parent / "past" / "journals").glob("*.journal"))


async def waits_for_later(ctx: Context) -> int:
    """The workflow that waits in the journals, as `tests/past/write_journal.py` has it."""
    first = await ctx.options(target="db").rpc("add", 2, 2)
    second = await ctx.options(target="later").rpc("add", first, 1)
    so_far: int = await ctx.run(add, second, 10)
    return so_far


@pytest.mark.parametrize("past", JOURNALS, ids=lambda path: path.stem)
def test_jobs_in_a_past_journal_go_on(past: Path, tmp_path: Path) -> None:
    journal = tmp_path / "engine.journal"
    shutil.copy(past, journal)

    async def scenario() -> None:
        async with running(journal) as server, contextlib.AsyncExitStack() as clients:
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
    from resonate_scaffold.devserver.journal import Journal

    shutil.copy(past, tmp_path / "j")
    state, journal = State(), Journal(tmp_path / "j")
    journal.read(state)
    journal.close()
    states = {id: (promise.record.state, promise.task and promise.task.state) for id, promise in state.promises.items()}
    for number in (1, 2):
        assert states[f"job/gated-{number}"] == states[f"job/later-{number}"] == ("pending", "suspended")
        assert states[f"job/gated-{number}:1"] == states[f"job/done-{number}"] == ("resolved", "fulfilled")
        assert states[f"job/gated-{number}:2"] == ("pending", None)
        assert states[f"job/later-{number}:2"] == states[f"job/unserved-{number}"] == ("pending", "pending")
