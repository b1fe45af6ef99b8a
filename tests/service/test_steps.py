"""`durable.steps`: how steps and durable functions end, whatever leaves them."""

import asyncio
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from pydantic import BaseModel
from resonate.context import Context
from resonate.error import ConnectorError, PlatformError, ServerError
from resonate.retry import Never
from shop.runtime.durable.rpc import DurableCall, Rpc, serve
from shop.runtime.engine.codec import MAX_VALUE
from shop.runtime.errors import Failure, StepFailed
from shop.runtime.http.work import Status, WorkError
from shop.runtime.testing.crashes import Crashes
from shop.runtime.testing.running import StartService


class Text(BaseModel):
    text: str = ""


class Ratio(BaseModel):
    ratio: float = 0


class Declined(Failure):
    """A failure of a kind of its own."""

    status = 402
    amount: Decimal
    at: datetime

    def __init__(self, amount: Decimal) -> None:
        super().__init__("the card was declined")
        self.amount = amount
        self.at = datetime(2026, 1, 2, tzinfo=UTC)


class Unnamed(Failure):
    """A failure that no contract names."""


class Own(Exception):
    """An exception of its own."""


whole = Rpc(name="whole", group="workers", request=Text, result=Text)
charge = Rpc(name="charge", group="db", request=Text, result=Text, raises=(Declined,))


def numbers() -> Iterator[int]:
    yield 1


def workflow(body: Callable[[Context], Any]) -> Any:
    """A workflow that says what came of it."""

    @serve(whole)
    async def work(ctx: Context, request: Text) -> Text:
        return Text(text=str(await body(ctx)))

    return work


# Values


async def surrogate(ctx: Context) -> str:
    return "hi \ud83d"


async def not_a_number(ctx: Context) -> Ratio:
    return Ratio(ratio=math.nan)


async def untyped(ctx: Context):  # type: ignore[no-untyped-def]
    return {"rows": [math.inf]}


async def generator(ctx: Context) -> Any:
    return numbers()


async def large(ctx: Context) -> str:
    return "x" * 13_000_000


async def of_another_type(ctx: Context) -> int:
    return cast("int", "many")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (surrogate, "surrogate cannot be kept: it has half a surrogate pair, which no UTF-8 can hold"),
        (not_a_number, "not_a_number cannot be kept: at ratio: nan has no JSON form"),
        (untyped, "untyped cannot be kept: at rows[0]: inf has no JSON form"),
        (generator, "generator cannot be kept: a value of class generator has no JSON form"),
        (large, f"large cannot be kept: it has 13,000,002 bytes as JSON, and at most {MAX_VALUE:,} may be"),
        (of_another_type, "of_another_type does not come back as <class 'int'>: "),
    ],
)
async def test_a_result_that_cannot_be_kept_ends_a_step_at_once(
    start_service: StartService, step: Any, said: str
) -> None:
    """The SDK would run it again for ever, with all that it does."""
    runs = []

    async def work(ctx: Context) -> None:
        async def counted(inner: Context) -> Any:
            runs.append(1)
            return await step(inner)

        counted.__name__, counted.__annotations__ = step.__name__, step.__annotations__
        await ctx.run(counted)

    async with start_service([workflow(work)]) as service:
        outcome = await service.outcome(whole, "whole/1", Text())
    assert (len(runs), outcome.status, outcome.http_status) == (1, Status.FAILED, 500)
    assert outcome.error is not None and outcome.error.code == "value-not-kept"
    assert outcome.error.message.startswith(f"the result of {said}")


@pytest.mark.parametrize("text", ["\ud83d", "x" * MAX_VALUE])
@pytest.mark.parametrize("place", ["argument", "raw argument", "detached", "result"])
async def test_every_other_way(start_service: StartService, text: str, place: str) -> None:
    runs = []

    async def work(ctx: Context) -> str:
        runs.append(1)
        match place:
            case "argument":
                await charge(ctx, Text(text=text))
            case "raw argument":
                await ctx.rpc("charge", text)
            case "detached":
                await ctx.detached("charge", text)
        return text

    async with start_service([workflow(work)]) as service:
        outcome = await service.outcome(whole, "whole/1", Text())
    assert len(runs) == 1
    assert outcome.error is not None and outcome.error.code == "value-not-kept"
    what = {"argument": "the request of charge", "result": "the result of whole"}.get(place, "the arguments of charge")
    assert outcome.error.message.startswith(f"{what} cannot be kept: ")


async def test_a_workflow_may_go_on(start_service: StartService) -> None:
    async def work(ctx: Context) -> str:
        try:
            await ctx.run(surrogate)
        except Failure as error:
            return error.code
        return ""

    async with start_service([workflow(work)]) as service:
        assert (await service.run(whole, "whole/1", Text())).text == "value-not-kept"


# Exceptions


@serve(charge)
async def decline(ctx: Context, request: Text) -> Text:
    raise Declined(Decimal("12.50")) if request.text == "declined" else Unnamed("no")


async def decline_here(ctx: Context) -> None:
    raise Declined(Decimal("12.50"))


@pytest.mark.parametrize("where", ["step", "function"])
async def test_a_failure_arrives_as_its_class(start_service: StartService, where: str) -> None:
    """With its attributes, here and after a replay: a workflow that compensates goes on from there."""
    seen = []

    async def work(ctx: Context) -> str:
        try:
            await (ctx.run(decline_here) if where == "step" else charge(ctx, Text(text="declined")))
        except Declined as error:
            seen.append((error.amount, error.at, error.code, error.status, str(error)))
            await charge_nothing(ctx)
            return "compensated"
        return "charged"

    async def charge_nothing(ctx: Context) -> None:
        try:
            await charge(ctx, Text())
        except Unnamed:
            raise AssertionError from None
        except Failure as error:
            assert (type(error), error.code, str(error)) == (Failure, "unnamed", "no")

    async with start_service([workflow(work), decline]) as service:
        assert (await service.run(whole, "whole/1", Text())).text == "compensated"
    expected = (Decimal("12.50"), datetime(2026, 1, 2, tzinfo=UTC), "declined", 402, "the card was declined")
    assert len(seen) > 1 and set(seen) == {expected}


@pytest.mark.parametrize("error", [Own("no"), ValueError("no"), ExceptionGroup("no", [Own()])])
async def test_any_other_exception_arrives_as_step_failed(start_service: StartService, error: Exception) -> None:
    async def step(ctx: Context) -> None:
        raise error

    async def work(ctx: Context) -> str:
        try:
            await ctx.options(retry_policy=Never()).run(step)
        except StepFailed as failed:
            return f"{failed.error}: {failed.text}"
        return ""

    async with start_service([workflow(work)]) as service:
        assert (await service.run(whole, "whole/1", Text())).text == f"{type(error).__name__}: {error}"


async def test_a_client_reads_nothing_of_a_step_that_failed(
    start_service: StartService, caplog: pytest.LogCaptureFixture
) -> None:
    async def step(ctx: Context) -> None:
        raise ValueError("a secret")

    async def work(ctx: Context) -> None:
        await ctx.options(retry_policy=Never()).run(step)

    async with start_service([workflow(work)]) as service:
        outcome = await service.outcome(whole, "whole/1", Text())
    message = "internal error in whole: see its log for shop/whole/1"
    assert outcome.error == WorkError(code="internal-error", message=message)
    (line,) = [it for it in caplog.records if "step step of shop/whole/1:1 raised ValueError" in it.getMessage()]
    assert line.levelno == logging.WARNING and line.exc_info is not None


async def leave(ctx: Context) -> None:
    sys.exit(3)


async def cancel_itself(ctx: Context) -> None:
    raise asyncio.CancelledError


async def cancel_a_task(ctx: Context) -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


def leave_a_thread(ctx: Context) -> None:
    sys.exit(3)


@pytest.mark.parametrize("step", [leave, cancel_itself, cancel_a_task, leave_a_thread])
async def test_what_leaves_a_step_in_another_way_ends_it(
    start_service: StartService, step: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """`sys.exit` would end the process, and a cancellation pass for a stop: the step would run again for ever."""
    runs = []

    async def work(ctx: Context) -> str:
        runs.append(1)
        try:
            await ctx.run(step)
        except StepFailed as failed:
            return failed.error
        return ""

    async with start_service([workflow(work)]) as service:
        text = (await service.run(whole, "whole/1", Text())).text
    assert text in ("SystemExit", "CancelledError") and len(runs) == 1
    assert f"{step.__name__} ended with {text}" in caplog.text


async def test_a_function_that_leaves_ends_its_call(start_service: StartService) -> None:
    @serve(charge)
    async def exit_at_once(ctx: Context, request: Text) -> Text:
        sys.exit(3)

    async with start_service([exit_at_once]) as service:
        outcome = await service.outcome(charge, "charge/1", Text())
    assert outcome.error is not None and outcome.error.code == "internal-error"


# Open calls


@pytest.mark.parametrize("open_call", ["function", "step", "sleep", "gate"])
async def test_a_failure_ends_a_workflow_that_has_calls_under_way(start_service: StartService, open_call: str) -> None:
    """The SDK would wait for them."""
    ended = asyncio.Event()

    async def slow_step(ctx: Context) -> None:
        await asyncio.sleep(0.5)
        ended.set()

    @serve(charge)
    async def slow(ctx: Context, request: Text) -> Text:
        await slow_step(ctx)
        return request

    async def work(ctx: Context) -> None:
        match open_call:
            case "function":
                charge(ctx, Text())
            case "step":
                ctx.run(slow_step)
            case "sleep":
                ctx.sleep(timedelta(seconds=60))
            case "gate":
                ctx.promise(timeout=timedelta(seconds=60))
        await ctx.run(refuse)

    async def refuse(ctx: Context) -> None:
        await asyncio.sleep(0.05)
        raise Failure("refused")

    async with start_service([workflow(work), slow]) as service:
        started = time.monotonic()
        outcome = await service.outcome(whole, "whole/1", Text())
        assert time.monotonic() - started < 0.4
        assert outcome.error is not None and outcome.error.message == "refused"
        if open_call in ("function", "step"):
            await asyncio.wait_for(ended.wait(), 5)  # It ends by itself.


async def test_a_part_of_a_workflow_ends_at_once_too(start_service: StartService) -> None:
    async def part(ctx: Context) -> None:
        ctx.sleep(timedelta(seconds=60))
        raise Failure("refused")

    async def other(ctx: Context) -> str:
        await ctx.sleep(timedelta(seconds=0.1))
        return "slept"

    async def work(ctx: Context) -> str:
        sleeping = ctx.run(other)
        try:
            await ctx.run(part)
        except Failure as error:
            return f"{error}, {await sleeping}"
        return ""

    async with start_service([workflow(work)]) as service:
        assert (await service.run(whole, "whole/1", Text())).text == "refused, slept"


async def test_a_task_group_is_refused(start_service: StartService, caplog: pytest.LogCaptureFixture) -> None:
    """It would cancel the steps beside a call that has to wait, and the SDK would lose the run."""

    async def one(call: DurableCall[Text]) -> Text:
        return await call

    async def work(ctx: Context) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(one(charge(ctx, Text())))

    async with start_service([workflow(work), decline]) as service:
        outcome = await service.outcome(whole, "whole/1", Text())
    assert outcome.error is not None and outcome.error.code == "internal-error"
    assert "a TaskGroup cannot hold durable calls: await them in order, or with asyncio.gather" in caplog.text


async def test_a_lease_that_is_lost_again_and_again_ends_the_call(
    start_service: StartService, caplog: pytest.LogCaptureFixture
) -> None:
    """As after each freeze of a process that is longer than a lease: the engine refuses what its runs had done."""
    begun = []

    async def work(ctx: Context) -> None:
        begun.append(1)
        raise PlatformError([ServerError(409, "the task is at another version")])

    async with start_service([workflow(work)]) as service:
        outcome = await service.outcome(whole, "whole/1", Text())
    assert outcome.error is not None and outcome.error.code == "lease-lost"
    assert "whole has lost its lease 5 times" in outcome.error.message and len(begun) == 5
    assert caplog.text.count("whole interrupted: its lease was lost while it ran, so it runs again") == 5


async def test_an_engine_that_is_away_is_no_lost_lease(start_service: StartService) -> None:
    begun = []

    async def work(ctx: Context) -> str:
        begun.append(1)
        if len(begun) < 8:
            raise PlatformError([ConnectorError(ConnectionError("away"))])
        return "done"

    async with start_service([workflow(work)]) as service:
        assert (await service.run(whole, "whole/1", Text())).text == "done"


# Threads


async def test_a_plain_function_runs_in_a_thread(start_service: StartService) -> None:
    """So that it may block: what else the process runs goes on."""
    went_on = threading.Event()

    def block(ctx: Context) -> list[str]:
        assert went_on.wait(10)
        return [threading.current_thread().name, ctx.info.id]

    async def go_on(ctx: Context) -> None:
        await asyncio.sleep(0.01)
        went_on.set()

    async def work(ctx: Context) -> list[str]:
        blocked, other = ctx.run(block), ctx.run(go_on)
        await other
        return await blocked

    async with start_service([workflow(work)]) as service:
        text = (await service.run(whole, "whole/1", Text())).text
    assert threading.main_thread().name not in text and "shop/whole/1:1" in text


async def test_durable_calls_are_not_made_in_a_thread(start_service: StartService) -> None:
    def step(ctx: Context) -> Any:
        return ctx.run(decline_here)

    async def work(ctx: Context) -> str:
        try:
            await ctx.options(retry_policy=Never()).run(step)
        except StepFailed as error:
            return error.text
        return ""

    async with start_service([workflow(work)]) as service:
        text = (await service.run(whole, "whole/1", Text())).text
    assert text == "step is a plain function, which runs in a thread: make durable calls in an async def"


def test_a_compensation_survives_crashes(crashes: Crashes) -> None:
    compensated = []

    @serve(whole)
    async def work(ctx: Context, request: Text) -> Text:
        try:
            await charge(ctx, Text(text="declined"))
        except Declined as error:
            await ctx.run(compensate, error.amount)
        return Text(text="compensated")

    async def compensate(ctx: Context, amount: Decimal) -> str:
        compensated.append(amount)
        return str(amount)

    assert crashes(whole, Text(), served=[work, decline]).result == {"text": "compensated"}
    assert set(compensated) == {Decimal("12.50")}
