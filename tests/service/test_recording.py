"""Recording: the calls of a workflow where it makes them, and the command `record`, which writes a history of them."""

import logging
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pydantic import BaseModel
from resonate.context import Context

from {{ package_name }} import (
    histories,
)
from {{ package_name }}.__main__ import (
    main,
)
from {{ package_name }}.histories import (
    CannotRecord,
{%- if not bare %}
    History,
{%- endif %}
)
from {{ package_name }}.recording import (
    Call,
    recording,
)
from {{ package_name }}.rpc import (
    Rpc,
    serve,
)
from {{ package_name }}.settings import (
    Settings,
)

from .conftest import Start


class Item(BaseModel):
    name: str


store = Rpc(name="tests.store", group="tests", request=Item, result=Item)
work = Rpc(name="work", group="tests", request=Item, result=Item)


async def store_item(ctx: Context, item: Item) -> Item:
    return item


async def test_every_kind_of_call_is_recorded(start: Start) -> None:
    class NotJson:
        pass

    async def step(ctx: Context, value: object, *, loud: bool) -> int:
        return 1

    stored = serve(replace(store, version=3), store_item)

    async def makes_all(ctx: Context, item: Item) -> Item:
        await ctx.run(step, NotJson(), loud=True)
        await ctx.options(version=1, target="nowhere").run(store.name, {"name": "x"})
        await ctx.options(target="tests").rpc(store.name, {"name": "y"})
        await ctx.rpc(stored.function, {"name": "o"})
        await ctx.sleep(timedelta(seconds=0))
        await ctx.options(target="tests", version=1).detached(store.name, {"name": "z"})
        return item

    original = Context.run
    async with start(served=[serve(store, store_item), stored, serve(work, makes_all)]) as service:
        with recording() as outer:
            with recording() as inner, pytest.raises(RuntimeError), recording():
                raise RuntimeError
            await service.run(work, "work/1", Item(name="a"))
        assert Context.run is original
        await service.run(work, "work/2", Item(name="a"))
    assert inner == []
    made: dict[str, Call] = {}
    for call in outer:
        assert made.setdefault(call.id, call) == call, "a replay makes the same calls"
    assert all(call.parent == "work/1" for call in made.values())
    assert [id.removeprefix("work/1:")[:1] for id in made] == ["1", "2", "3", "4", "5", "d"]
    name = "test_every_kind_of_call_is_recorded.<locals>."
    assert [(call.kind, call.name, call.version, call.target, call.args) for call in made.values()] == [
        ("step", f"{name}step", 1, None, [f"<{name}NotJson>", {"loud": True}]),
        ("step", "tests.store", 1, None, [{"name": "x"}]),
        ("rpc", "tests.store", 1, "tests", [{"name": "y"}]),
        ("rpc", "tests.store", 3, None, [{"name": "o"}]),
        ("sleep", "", 1, None, []),
        ("detached", "tests.store", 1, "tests", [{"name": "z"}]),
    ]


async def test_a_workflow_that_calls_otherwise_each_time_has_no_history(start: Start) -> None:
    numbers = count()

    async def unsteady(ctx: Context, item: Item) -> Item:
        return await store(ctx, Item(name=f"{item.name}-{next(numbers)}"))

    async with start(served=[serve(store, store_item), serve(work, unsteady)]) as service:
        with pytest.raises(CannotRecord) as caught:
            await histories.record(service.engine, work, "work/1", Item(name="x"))
    assert str(caught.value).splitlines() == [
        'when it ran again, call 1 is `rpc tests.store`, but args[0].name was "x-0", is now "x-1"',
        "A workflow makes the same calls whenever it runs: leave clocks, random values and the like to steps",
    ]


async def test_a_run_that_nobody_ends_has_no_history(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(ctx: Context, item: Item) -> Item:
        await ctx.promise()
        raise AssertionError

    monkeypatch.setattr(histories, "_RUNS", 0.2)
    async with start(served=[serve(work, waits)]) as service:
        with pytest.raises(CannotRecord, match="it waits for `promise`"):
            await histories.record(service.engine, work, "work/1", Item(name="x"))


async def test_a_call_that_nothing_serves_has_no_history(start: Start) -> None:
    async def calls_elsewhere(ctx: Context, item: Item) -> Item:
        return await store(ctx, item)

    async with start(served=[serve(work, calls_elsewhere)], shutdown_grace=0) as service:
        with pytest.raises(CannotRecord, match=r"nothing here serves `rpc tests\.store version 1 of tests`"):
            await histories.record(service.engine, work, "work/1", Item(name="x"))


def run_record(directory: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """In a directory of its own, with a database that must be left alone."""
    monkeypatch.chdir(directory)
    environment = {**dict.fromkeys(name.upper() for name in Settings.model_fields), "DATABASE_URL": "nowhere://"}
    try:
        done = CliRunner().invoke(main, ["record", *arguments], env=environment)
    finally:
        logging.getLogger("resonate").setLevel(logging.NOTSET)
    assert "Traceback" not in done.output, done.output
    return done


def test_record_knows_its_workflows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_record(tmp_path, monkeypatch, "no-such", "{}")
    assert (done.exit_code, done.output.splitlines()[0]) == (1, "Error: there is no workflow 'no-such'")
    assert not list(tmp_path.rglob("*.json"))
{%- if not bare %}


JOB = '{"account_id": "acc-1", "requires_approval": true}'
YES, NO = 'approve={"approved": true}', 'approve/x={"approved": false}'


def test_record_writes_a_history_and_keeps_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tests" / "histories" / "process-job-v1-x.json"
    arguments = ["process-job@1", JOB, "--id", "job/x", "--answer"]
    done = run_record(tmp_path, monkeypatch, *arguments, YES)
    written = f"{path.relative_to(tmp_path)}: process-job (version 1), 6 calls, resolved\n"
    assert (done.exit_code, done.output) == (0, written)
    first = path.read_text("utf-8")
    assert History.model_validate_json(first).id == "job/x"

    done = run_record(tmp_path, monkeypatch, *arguments, NO)
    assert done.exit_code == 1
    assert "holds another history\nReplace it with --force" in done.output
    assert path.read_text("utf-8") == first

    done = run_record(tmp_path, monkeypatch, *arguments, NO, "--force")
    assert (done.exit_code, done.output.partition("calls, ")[2]) == (0, "failed: not approved: the job was rejected\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["process-job@2", JOB], "Error: there is no workflow 'process-job@2'\nWorkflows: process-job@1"),
        (["process-job", "{}"], "Error: the request does not fit: account_id: Field required\nIt is JSON: "),
        (["process-job", "{"], "Error: the request does not fit: Invalid JSON"),
        (["process-job", JOB], "Error: it waits at gate approve/process-job for an answer\nGive one: --answer "),
        (["process-job", JOB, "--answer", "no-such={}"], "Error: there is no gate 'no-such'\nGates: approve"),
        (["process-job", JOB, "--answer", "approve"], "Error: the answer to gate approve does not fit: Invalid JSON"),
        (["process-job", JOB, "--answer", YES, "--answer", NO], "Error: it ended, and never waited for an answer to "),
    ],
)
def test_what_cannot_be_recorded_is_said(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_record(tmp_path, monkeypatch, *arguments)
    assert done.exit_code == 1
    assert done.output.startswith(message)
    assert not list(tmp_path.rglob("*.json"))
{%- endif %}
