"""A run with its calls, what they wait for, and what of them may be shown: `engine.run_tree`, and what uses it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, SecretStr
from resonate.context import Context
from resonate.types import TaskData
from shop.runtime.durable.clock import Clock
from shop.runtime.durable.fan_out import fan_out
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.questions import open_questions
from shop.runtime.durable.rpc import Registration, Rpc, serve
from shop.runtime.durable.run_values import HIDDEN, ShownValues, hidden
from shop.runtime.engine.client import EngineClient, build
from shop.runtime.engine.presence import is_served, list_workers, report_presence
from shop.runtime.engine.run_list import list_runs
from shop.runtime.engine.run_status import Status
from shop.runtime.engine.run_tree import find_tree
from shop.runtime.engine.runs import Call, RunQuery, RunTree
from shop.runtime.engine.worker import register, stop
from shop.runtime.errors import Failure
from shop.runtime.service import Service, functions_of
from shop.runtime.testing.plugin import make_settings
from shop.runtime.testing.running import RunningService, StartService

from .engines import engine_process


class Order(BaseModel):
    number: str = "1"
    card: Annotated[str, Field(repr=False)] = "4111"


class Charged(BaseModel):
    receipt: str = "r-1"
    token: Annotated[str, Field(repr=False)] = "secret-token"


class Answer(BaseModel):
    word: str = "yes"
    pin: Annotated[str, Field(repr=False)] = "1234"


order = Rpc("order", "dev", Order, Charged, timeout=timedelta(seconds=60))
charge = Rpc("charge", "dev", Order, Charged)
refuse = Rpc("refuse", "dev", Order, Charged)
permit = Gate("permit", Answer)
mailed = Rpc("mail", "mailer.workers", Order, Charged)
waiting = Rpc("waiting", "workers", Order, Charged)


@serve(charge)
async def run_charge(ctx: Context, request: Order) -> Charged:
    return Charged()


@serve(refuse)
async def run_refuse(ctx: Context, request: Order) -> Charged:
    raise Failure("no money", code="no-money")


async def look(ctx: Context) -> Charged:
    return Charged(receipt="seen")


async def count(ctx: Context, *numbers: int):  # type: ignore[no-untyped-def]
    return sum(numbers)


@serve(order)
async def run_order(ctx: Context, request: Order) -> Charged:
    await ctx.run(look)
    await ctx.detached("charge", {"number": "9", "card": "5"})
    await ctx.run(count, 1, 2)
    await charge(ctx, request)
    await fan_out(ctx, charge, [Order(number="a"), Order(number="b")])
    try:
        await refuse(ctx, request)
    except Failure:
        await ctx.sleep(timedelta(seconds=0.01))
    await permit.wait(ctx, timedelta(seconds=30))
    await ctx.sleep(timedelta(seconds=40))
    return Charged()


@serve(waiting)
async def run_waiting(ctx: Context, request: Order) -> Charged:
    return await mailed(ctx, request)


FUNCTIONS = [run_order, run_charge, run_refuse]
VALUES = ShownValues([order, charge, refuse], {"permit": permit}, FUNCTIONS)


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service(FUNCTIONS) as service:
        yield service


async def tree_of(client: EngineClient, run: str) -> RunTree:
    tree = await find_tree(client, run)
    assert tree is not None
    return tree


async def asked(service: RunningService) -> RunTree:
    """The order, once it waits at its gate."""
    await order.start(service.client, "job/one", Order())
    await service.poll_until_asked(permit, "job/one")
    return await tree_of(service.client, "job/one")


def shape(call: Call) -> list[Any]:
    return [(inner.name, inner.form, inner.status.value, shape(inner)) for inner in call.calls]


async def test_a_run_is_shown_with_all_that_it_calls(service: RunningService) -> None:
    await asked(service)

    async def charged() -> bool:  # Nobody waits for what was detached.
        return (await tree_of(service.client, "job/one")).root.calls[1].status is Status.SUCCEEDED

    await service.poll_until(charged)
    tree = await tree_of(service.client, "shop/job/one")
    done = Status.SUCCEEDED.value
    assert shape(tree.root) == [
        ("look", "step", done, []),
        ("charge", "detached", done, []),
        ("count", "step", done, []),
        ("charge", "call", done, []),
        ("fan_out_wave", "step", done, [("charge", "call", done, []), ("charge", "call", done, [])]),
        ("refuse", "call", "failed", []),
        ("sleep", "sleep", done, []),
        ("permit", "gate", "running", []),
        ("_open", "step", done, []),
    ]
    assert [call.id for call in tree.walk()][1:4:2] == ["job/one:1", "job/one:3"]
    refused = tree.root.calls[5]
    assert refused.error and (refused.error.code, refused.error.message) == ("no-money", "no money")
    assert (refused.version, refused.attempts) == (1, 1)
    assert refused.ended_at is not None and refused.began_at <= refused.ended_at <= refused.ends_at
    (run,) = tree.runs
    assert run == tree.run and (run.function, run.group, run.status) == ("order", "dev", Status.RUNNING)
    assert await find_tree(service.client, "job/two") is None
    assert await find_tree(service.client, "permit/job/one") is None


async def test_what_an_open_call_waits_for(service: RunningService) -> None:
    tree = await asked(service)
    (question,) = await open_questions(service.client, tree, {"permit": permit})
    gate = tree.root.calls[7]
    assert (question.id, question.gate, question.run, question.call) == ("permit/job/one", "permit", "job/one", gate.id)
    assert question.payload_schema and set(question.payload_schema["properties"]) == {"word", "pin"}
    assert gate.waiting_for and (gate.waiting_for.kind, gate.waiting_for.question) == ("answer", "permit/job/one")
    assert gate.waiting_for.until == gate.ends_at
    (unknown,) = await open_questions(service.client, await tree_of(service.client, "job/one"), {})
    assert (unknown.id, unknown.payload_schema) == ("permit/job/one", None)
    await permit.deliver(service.client, "job/one", Answer())

    async def asleep() -> Call | None:
        last = (await tree_of(service.client, "job/one")).root.calls[-1]
        return last if last.form == "sleep" else None

    last = await service.poll_until(asleep)
    assert last.waiting_for and (last.waiting_for.kind, last.waiting_for.until) == ("time", last.ends_at)


async def test_what_contracts_hide_is_hidden_and_what_nobody_knows_is_left_out(service: RunningService) -> None:
    await asked(service)
    await permit.deliver(service.client, "job/one", Answer())
    tree = await service.poll_until(lambda: answered(service))
    VALUES.hide(tree)
    look, detached, count, charged, spread, *_ = tree.root.calls
    assert tree.root.request == {"number": "1", "card": HIDDEN}
    assert look.result == {"receipt": "seen", "token": HIDDEN}
    assert detached.request == {"number": "9", "card": HIDDEN}
    assert (count.result, count.is_hidden) == (None, True)  # It does not say what it returns.
    assert charged.result == {"receipt": "r-1", "token": HIDDEN}
    assert (spread.result, spread.is_hidden) == (None, True)
    assert tree.root.calls[7].result == {"word": "yes", "pin": HIDDEN}
    told = tree.model_dump_json()
    assert "secret-token" not in told and "4111" not in told and "1234" not in told
    # Of a service that knows none of these functions.
    tree = await tree_of(service.client, "job/one")
    ShownValues([], {}, []).hide(tree)
    assert (tree.root.request, tree.root.is_hidden) == (None, True)
    assert "secret-token" not in tree.model_dump_json()
    tree = await tree_of(service.client, "job/one")
    VALUES.hide(tree, all_values=True)
    assert tree.root.calls[2].result == 3
    assert "4111" not in tree.model_dump_json()


async def answered(service: RunningService) -> RunTree | None:
    tree = await tree_of(service.client, "job/one")
    return tree if tree.root.calls[7].status is Status.SUCCEEDED else None


def test_types_of_every_form_hide_what_they_say() -> None:
    class Many(RootModel[list[Order]]):
        pass

    class Named(BaseModel):
        model_config = ConfigDict(extra="allow")
        key: SecretStr
        cards: dict[str, Order | None] = Field(alias="byName")
        pair: tuple[int, Order]

    given = {"number": "1", "card": "4111", "gone": "of another release"}
    kept = {"number": "1", "card": HIDDEN, "gone": HIDDEN}
    assert hidden(Many, [given]) == [kept]
    assert hidden(list[Order] | None, [given]) == [kept]
    assert hidden(Named, {"key": "k", "byName": {"a": given, "b": None}, "pair": [1, given], "more": 2}) == {
        "key": HIDDEN,
        "byName": {"a": kept, "b": None},
        "pair": [1, kept],
        "more": 2,
    }
    assert hidden(int, 3) == hidden(Any, 3) == 3


async def test_a_canceled_run_is_one_whose_failure_says_so(service: RunningService) -> None:
    await service.client.create("job/x", TaskData(func="order"), service.client.clock.now_ms() + 60_000)
    await service.client.reject("job/x", Failure("it was canceled", code="canceled"))
    tree = await tree_of(service.client, "job/x")
    assert tree.run.status is Status.CANCELED
    assert tree.root.error and tree.root.error.code == "canceled"


# With processes of their own


@asynccontextmanager
async def worker(
    definition: Service, engine: str, group: str, served: Sequence[Registration] = ()
) -> AsyncIterator[EngineClient]:
    settings = make_settings(definition, resonate_url=engine)
    client = build(settings, definition.namespace(settings), group, listens=bool(served))
    register(client, functions_of(served), [settings, Clock()])
    client.resonate.start()
    reporting = asyncio.create_task(report_presence(client)) if served else None
    try:
        yield client
    finally:
        if reporting:
            reporting.cancel()
        await stop(client, timedelta(seconds=1))


@pytest.mark.usefixtures("no_settings")
async def test_who_serves_a_group_and_what_waits_for_nobody(
    definition: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = iter("abc")
    monkeypatch.setattr("socket.gethostname", lambda: next(processes))
    with engine_process() as engine:
        async with (
            worker(definition, engine, "api") as client,
            worker(definition, engine, "workers", [run_waiting]),
            worker(definition, engine, "workers", [run_waiting]),
        ):
            async with asyncio.timeout(10):
                while len(await list_workers(client)) < 2:  # noqa: ASYNC110  (another process)
                    await asyncio.sleep(0.02)
                await waiting.start(client, "job/one", Order())
                while not (tree := await tree_of(client, "job/one")).root.calls:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
            first, second = await list_workers(client)
            assert {first.process[0], second.process[0]} == {"a", "b"}
            assert (first.group, first.in_hand, first.places > 1) == ("shop.workers", 0, True)
            assert [await is_served(client, f"shop.{group}") for group in ("workers", "db")] == [True, False]
            assert await is_served(client, "mailer.workers") is None
            waits = tree.root.calls[0].waiting_for
            assert waits and (waits.kind, waits.group, waits.is_served) == ("worker", "mailer.workers", None)
            # A stand-in of this service notes that it is there; the notes are no runs.
            async with worker(definition, engine, "mailer.workers", [run_waiting]):
                async with asyncio.timeout(10):
                    while not await is_served(client, "mailer.workers"):  # noqa: ASYNC110
                        await asyncio.sleep(0.02)
            assert [run.id for run in (await list_runs(client, RunQuery())).runs] == ["job/one"]
            # What was noted two minutes ago says nothing any more.
            now = client.clock.now_ms()
            monkeypatch.setattr(client.clock, "now_ms", lambda: now + 120_000)
            assert await list_workers(client) == []
    assert json.loads(first.model_dump_json())["places"] == first.places
