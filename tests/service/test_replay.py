"""`testing.replay`: what a change of a workflow's code does to the runs that were started before.

A run that waits goes on after a deployment: from the top, on the new code, and its calls are answered by their numbers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import BaseModel
from resonate.connections import LocalConnection
from resonate.context import Context
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.errors import Failure, StepFailed
from shop.runtime.service import Service
from shop.runtime.settings import ServiceSettings
from shop.runtime.testing import replay as replaying
from shop.runtime.testing.history import CallOutcome, History
from shop.runtime.testing.recording import record
from shop.runtime.testing.replay import Changed, replay
from shop.runtime.testing.running import RunningService, StartService


class Line(BaseModel):
    sku: str


class Reserved(BaseModel):
    number: int


class Order(BaseModel):
    first: str
    second: str


class Shipped(BaseModel):
    numbers: list[int]
    parcels: int


reserve = Rpc(name="tests.reserve", group="tests", request=Line, result=Reserved)
ship = Rpc(name="ship", group="tests", request=Order, result=Shipped)

type Ship = Callable[[Context, Order], Awaitable[Shipped]]

ran: list[str] = []


async def pack(ctx: Context, parcels: int) -> int:
    ran.append("pack")
    return parcels


async def pack_well(ctx: Context, parcels: int) -> int:
    ran.append("pack_well")
    return parcels


@serve(reserve)
async def reserve_line(ctx: Context, line: Line) -> Reserved:
    ran.append(line.sku)
    if line.sku == "none":
        raise Failure("there is none")
    return Reserved(number=len(line.sku))


async def ship_order(ctx: Context, order: Order) -> Shipped:
    one = await reserve(ctx, Line(sku=order.first))
    two = await reserve(ctx, Line(sku=order.second))
    parcels = await ctx.run(pack, 2)
    await ctx.sleep(timedelta(days=3))
    return Shipped(numbers=[one.number, two.number], parcels=parcels)


async def recorded(
    start_service: StartService,
    function: Ship = ship_order,
    order: Order | None = None,
    contract: Rpc[Any, Any] = ship,
) -> History:
    """The history of a workflow, in the empty namespace."""
    async with start_service([reserve_line, serve(contract)(function)], namespace="") as service:
        order = order or Order(first="cup", second="plate")
        return await record(service.client, {}, contract, "order/1", order)


async def difference(history: History, function: Ship, contract: Rpc[Any, Any] = ship) -> str | None:
    """What a replay finds. Nothing of the service may run meanwhile, but the workflow itself."""
    ran.clear()
    try:
        await replay(history, [serve(contract)(function)])
    except Changed as change:
        return str(change)
    finally:
        assert ran == []
    return None


async def test_a_workflow_that_has_not_changed(start_service: StartService) -> None:
    history = await recorded(start_service)
    kinds = [(call.kind, call.name, call.target) for call in history.calls]
    rpc = ("rpc", "tests.reserve", "tests")
    assert kinds == [rpc, rpc, ("step", "pack", None), ("sleep", "", None)]
    assert [call.args for call in history.calls] == [[{"sku": "cup"}], [{"sku": "plate"}], [2], []]
    assert history.outcome.value == {"numbers": [3, 5], "parcels": 2}
    assert History.model_validate_json(history.text()) == history
    assert await difference(history, ship_order) is None


async def test_a_history_whose_deadline_has_passed(start_service: StartService) -> None:
    """Histories are kept for years."""
    history = await recorded(start_service)
    assert await difference(history.model_copy(update={"timeout_at": 1_700_000_000_000}), ship_order) is None


async def swapped(ctx: Context, order: Order) -> Shipped:
    return await ship_order(ctx, Order(first=order.second, second=order.first))


async def inserted(ctx: Context, order: Order) -> Shipped:
    await ctx.run(pack_well, 1)
    return await ship_order(ctx, order)


async def appended(ctx: Context, order: Order) -> Shipped:
    shipped = await ship_order(ctx, order)
    await ctx.run(pack_well, 1)
    return shipped


async def unawaited(ctx: Context, order: Order) -> Shipped:
    shipped = await ship_order(ctx, order)
    ctx.run(pack_well, 1)
    return shipped


async def removed(ctx: Context, order: Order) -> Shipped:
    one = await reserve(ctx, Line(sku=order.first))
    two = await reserve(ctx, Line(sku=order.second))
    return Shipped(numbers=[one.number, two.number], parcels=await ctx.run(pack, 2))


async def forgets(ctx: Context, order: Order) -> Shipped:
    """Returns, but does not end: the engine waits for a call that nobody awaits, too."""
    one = await reserve(ctx, Line(sku=order.first))
    reserve(ctx, Line(sku=order.second))
    return Shipped(numbers=[one.number], parcels=0)


async def raised(ctx: Context, order: Order) -> Shipped:
    raise Failure("no more orders")


async def other_step(ctx: Context, order: Order) -> Shipped:
    one = await reserve(ctx, Line(sku=order.first))
    two = await reserve(ctx, Line(sku=order.second))
    parcels = await ctx.run(pack_well, 2)
    await ctx.sleep(timedelta(days=3))
    return Shipped(numbers=[one.number, two.number], parcels=parcels)


async def other_target(ctx: Context, order: Order) -> Shipped:
    await replace(reserve, group="elsewhere")(ctx, Line(sku=order.first))
    return await ship_order(ctx, order)


async def other_version(ctx: Context, order: Order) -> Shipped:
    await replace(reserve, version=2)(ctx, Line(sku=order.first))
    return await ship_order(ctx, order)


async def other_kind(ctx: Context, order: Order) -> Shipped:
    await ctx.detached(reserve.name, {"sku": order.first})
    return await ship_order(ctx, order)


async def other_result(ctx: Context, order: Order) -> Shipped:
    shipped = await ship_order(ctx, order)
    return shipped.model_copy(update={"parcels": 3})


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (swapped, 'call 1 is `rpc tests.reserve`, but args[0].sku was "cup", is now "plate".'),
        (inserted, "call 1 was `rpc tests.reserve`, is now `step pack_well`."),
        (appended, "call 5 is new: `step pack_well`."),
        (unawaited, "call 5 is new: `step pack_well`."),
        (removed, 'call 4 was `sleep`, is no longer made; it ends with {"numbers": [3, 5], "parcels": 2}.'),
        (raised, "call 1 was `rpc tests.reserve`, is no longer made; it ends with Failure('no more orders')."),
        (other_step, "call 3 was `step pack`, is now `step pack_well`."),
        (
            other_target,
            "call 1 was `rpc tests.reserve version 1 of tests`, is now `rpc tests.reserve version 1 of elsewhere`.",
        ),
        (
            other_version,
            "call 1 was `rpc tests.reserve version 1 of tests`, is now `rpc tests.reserve version 2 of tests`.",
        ),
        (other_kind, "call 1 was `rpc tests.reserve`, is now `detached tests.reserve`."),
    ],
)
async def test_a_change_of_the_calls_is_named(start_service: StartService, function: Ship, expected: str) -> None:
    found = await difference(await recorded(start_service), function)
    assert found == (
        f"{expected}\nRunning executions would read the wrong step's value. Serve the new shape under version 2 and "
        'keep this one until its runs have ended: see "Changing a workflow" in runtime/README.md.'
    )


def test_the_advice_can_be_followed(definition: Service) -> None:
    readme = (definition.directory / "runtime" / "README.md").read_text("utf-8")
    assert "\n## Changing a workflow\n" in readme


async def test_a_change_of_the_result_is_named(start_service: StartService) -> None:
    found = await difference(await recorded(start_service), other_result)
    was, now = '{"numbers": [3, 5], "parcels": 2}', '{"numbers": [3, 5], "parcels": 3}'
    assert found is not None
    assert found.startswith(f"it ended with {was}, now with {now}.\nIf running executions should end so as well, ")


async def test_a_version_that_is_no_longer_served_is_named(start_service: StartService) -> None:
    found = await difference(await recorded(start_service), ship_order, replace(ship, version=2))
    assert found is not None
    assert found.startswith("it is no longer served.\nDelete the history if no run of it is left")


async def test_a_renamed_field_is_named(start_service: StartService) -> None:
    class Renamed(BaseModel):
        article: str

    async def ask_otherwise(ctx: Context, order: Order) -> Shipped:
        await replace(reserve, request=Renamed)(ctx, Renamed(article=order.first))  # type: ignore[arg-type]
        return await ship_order(ctx, order)

    found = await difference(await recorded(start_service), ask_otherwise)
    expected = 'call 1 is `rpc tests.reserve`, but args[0] was {"sku": "cup"}, is now {"article": "cup"}.\n'
    assert (found or "").startswith(expected)


async def test_a_replay_reads_no_answer_to_another_call(start_service: StartService) -> None:
    read: list[Any] = []

    async def never_run(ctx: Context) -> Any:
        raise AssertionError("a replay runs no step")

    async def reads(ctx: Context, order: Order) -> Shipped:
        read.append(await ctx.run(never_run))
        return await ship_order(ctx, order)

    assert await difference(await recorded(start_service), reads) is not None
    assert read == []


async def test_a_replay_does_not_hang(start_service: StartService, monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(ctx: Context, order: Order) -> Shipped:
        await asyncio.Event().wait()
        raise AssertionError

    history = await recorded(start_service)
    monkeypatch.setattr(replaying, "REPLAY_TIMEOUT", 0.05)
    assert await difference(history, waits) == "it does not end any more.\nA workflow waits for durable calls only."


async def test_new_fields_with_defaults_change_nothing(start_service: StartService) -> None:
    class NewLine(Line):
        note: str = ""

    class NewOrder(Order):
        gift: bool = False

    class NewShipped(Shipped):
        weight: int | None = None

    history = await recorded(start_service)
    patient = replace(reserve, request=NewLine, timeout=timedelta(days=2))
    now = Rpc(name="ship", group="tests", request=NewOrder, result=NewShipped)

    @serve(now)
    async def ship_more(ctx: Context, order: NewOrder) -> NewShipped:
        one = await patient(ctx, NewLine(sku=order.first))
        two = await patient(ctx, NewLine(sku=order.second))
        parcels = await ctx.run(pack, 2)
        await ctx.sleep(timedelta(days=1))
        return NewShipped(numbers=[one.number, two.number], parcels=parcels)

    await replay(history, [ship_more])


async def test_a_workflow_finds_its_dependencies(start_service: StartService, settings: ServiceSettings) -> None:
    async def by_settings(ctx: Context, order: Order) -> Shipped:
        assert ctx.get_dependency(type(settings)) is not None
        return await ship_order(ctx, order)

    await replay(await recorded(start_service, by_settings), [serve(ship)(by_settings)], [settings])


async def break_down(ctx: Context) -> None:
    await ctx.run(pack, 1)  # With a durable call in it, it is not tried again.
    raise ZeroDivisionError("by zero")


async def gives_up(ctx: Context, order: Order) -> Shipped:
    try:
        await ctx.options(retry_policy=None).run(break_down)
    except StepFailed as error:
        await ctx.run(pack, len(str(error)))
    return await ship_order(ctx, order)


async def test_a_run_that_failed_is_a_history(start_service: StartService) -> None:
    history = await recorded(start_service, gives_up, Order(first="cup", second="none"))
    assert [call.outcome.raised for call in history.calls] == ["StepFailed", None, None, "Failure"]
    assert (history.outcome.raised, history.outcome.message) == ("Failure", "there is none")
    assert "__py_pickle" not in history.text()
    assert await difference(history, gives_up) is None
    assert await difference(history, ship_order) is not None


async def test_a_history_of_version_0_1_0_is_read(start_service: StartService) -> None:
    """There a `Failure` was written with the module that it was in."""
    history = await recorded(start_service, gives_up, Order(first="cup", second="none"))
    older = History.model_validate_json(history.text().replace('"raised": "Failure"', '"raised": ".rpc:Failure"'))
    assert older == history
    assert await difference(older, gives_up) is None


@pytest.mark.parametrize("waits_at", [2, 3])
async def test_a_run_that_timed_out_is_a_history(start_service: StartService, waits_at: int) -> None:
    """At the rpc 2 or the step 3, whose worker was away: it never came further."""
    whole = await recorded(start_service)
    *answered, last = whole.calls[:waits_at]
    waiting = last.model_copy(update={"outcome": CallOutcome(state="pending")})
    over = CallOutcome(
        state="rejected_timedout", raised="resonate.error:ApplicationError", message="unknown error: null"
    )
    history = whole.model_copy(update={"calls": [*answered, waiting], "outcome": over})
    assert await difference(history, ship_order) is None
    if waits_at == 2:
        assert await difference(history, forgets) is None
    assert (await difference(history, swapped) or "").startswith("call 1 is `rpc tests.reserve`, but args[0].sku was ")
    assert (await difference(history, raised) or "").startswith("call 1 was `rpc tests.reserve`, is no longer made")


# A new version beside the old one


class Question(BaseModel):
    text: str


class Answer(BaseModel):
    text: str


ask_v1 = Rpc(name="ask", group="tests", request=Question, result=Answer)
ask = replace(ask_v1, version=2)
gate = Gate("ask", Answer)


@serve(ask_v1)
async def ask_once(ctx: Context, question: Question) -> Answer:
    answer = await gate.wait(ctx, timedelta(minutes=1))
    return Answer(text=f"version 1: {answer.text if answer else 'none'}")


@serve(ask)
async def ask_well(ctx: Context, question: Question) -> Answer:
    parcels = await ctx.run(pack, 2)  # A new call before all others: a run of version 1 must not make it.
    answer = await gate.wait(ctx, timedelta(minutes=1))
    return Answer(text=f"version 2, {parcels} parcels: {answer.text if answer else 'none'}")


async def begin(service: RunningService, contract: Rpc[Question, Answer], run: str) -> None:
    """Start a run, and return once it waits at its gate."""
    await contract.start(service.client, run, Question(text="?"))
    await service.poll_until_asked(gate, run)


async def end(service: RunningService, contract: Rpc[Question, Answer], run: str) -> str:
    """Answer a run, and wait for its end."""
    await service.answer(gate, run, Answer(text="yes"))
    return (await service.run(contract, run, Question(text="?"))).text


def engine_of(service: RunningService) -> LocalConnection:
    assert isinstance(service.client.network, LocalConnection)
    return service.client.network


async def test_a_run_ends_on_the_version_that_it_began_on(start_service: StartService) -> None:
    async with start_service([ask_once]) as service:
        await begin(service, ask_v1, "run/old")
        state = engine_of(service).state
    # The deployment: another process, on the engine that was there before.
    async with start_service([ask_once, ask_well]) as service:
        engine_of(service).state = state
        await begin(service, ask, "run/new")
        assert await end(service, ask, "run/new") == "version 2, 2 parcels: yes"
        assert await end(service, ask_v1, "run/old") == "version 1: yes"
