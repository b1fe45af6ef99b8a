"""`engine.retry`: what is tried again, how often, and after how long."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from pydantic import BaseModel
from resonate.context import Context
from resonate.retry import Constant
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.retry import LONGEST_RETRY_AFTER, STEP_RETRY, Retry, pause_before
from shop.runtime.errors import Failure, OperationConflict
from shop.runtime.testing.running import StartService


class Nothing(BaseModel):
    pass


class Counted(Exception):
    """Something that a retry may mend."""


leaf = Rpc(name="leaf", group="db", request=Nothing, result=Nothing)
whole = Rpc(name="whole", group="workers", request=Nothing, result=Nothing)


@pytest.mark.parametrize(
    ("policy", "pauses"),
    [
        (Retry(6), [2, 4, 8, 16, 30, 30, None]),
        (STEP_RETRY, [2, 4, 8, None]),
        (Retry(3, first=5, cap=12), [5, 10, 12, None]),
        (Retry(0), [None]),
    ],
)
def test_pauses(policy: Retry, pauses: list[int | None]) -> None:
    assert [pause_before(policy, attempt + 1, Counted()) for attempt in range(len(pauses))] == pauses


def test_what_is_not_named_is_not_tried_again() -> None:
    policy = Retry(3, on=(Counted, ConnectionError))
    assert pause_before(policy, 1, ValueError()) is None
    assert pause_before(policy, 1, ConnectionResetError()) == 2


def answer(retry_after: str) -> Exception:
    request = httpx.Request("GET", "http://localhost")
    response = httpx.Response(429, headers={"Retry-After": retry_after}, request=request)
    return httpx.HTTPStatusError("too many", request=request, response=response)


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (answer("7"), 7),
        (answer("1"), 2),
        (answer("86400"), LONGEST_RETRY_AFTER),
        (answer("soon"), 2),
        (answer("-5"), 2),
        (answer(format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)), 2),
        (answer(format_datetime(datetime.now(UTC) + timedelta(days=3), usegmt=True)), LONGEST_RETRY_AFTER),
    ],
)
def test_retry_after(error: Exception, pause: int) -> None:
    assert pause_before(Retry(3), 1, error) == pause


def test_retry_after_on_the_exception_itself() -> None:
    """As aiohttp's `ClientResponseError` has it; and headers of any other kind are left alone."""
    error: Any = ConnectionError()
    error.headers = {"Retry-After": "9"}
    assert pause_before(Retry(3), 1, error) == 9
    for headers in (None, 7, SimpleNamespace(get=lambda name: 5)):
        error.headers = headers
        assert pause_before(Retry(3), 1, error) == 2


def test_a_policy_of_the_sdk_is_kept_to() -> None:
    assert pause_before(Constant(max_retries=2, delay=1), 2, Counted()) == 1
    assert pause_before(Constant(max_retries=2, delay=1), 3, Counted()) is None


class Slept:
    """A sleeper that does not sleep."""

    def __init__(self) -> None:
        self.pauses: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.mark.parametrize("error", [Failure("closed"), OperationConflict("twice")])
@pytest.mark.parametrize("policy", [None, Retry(5), Constant(max_retries=5, delay=1)])
async def test_a_failure_ends_a_step_at_once(start_service: StartService, error: Failure, policy: Any) -> None:
    """Whatever the policy: it means that no retry helps."""
    tries: list[str] = []

    async def step(ctx: Context) -> None:
        tries.append(ctx.info.id)
        raise error

    @serve(whole)
    async def work(ctx: Context, request: Nothing) -> Nothing:
        await (ctx.options(retry_policy=policy) if policy else ctx).run(step)
        return request

    async with start_service([work]) as service:
        outcome = await service.outcome(whole, "whole/1", Nothing())
    assert len(tries) == 1
    assert outcome.error is not None and outcome.error.code == error.code


async def test_a_failure_ends_a_function_at_once(start_service: StartService) -> None:
    tries: list[str] = []

    @serve(leaf, retries=6)
    async def refuse(ctx: Context, request: Nothing) -> Nothing:
        tries.append(ctx.info.id)
        raise Failure("closed")

    async with start_service([refuse]) as service:
        outcome = await service.outcome(leaf, "leaf/1", Nothing())
    assert len(tries) == 1
    assert outcome.error is not None and outcome.error.message == "closed"


async def test_anything_else_is_tried_again(start_service: StartService) -> None:
    slept = Slept()

    async def step(ctx: Context) -> int:
        if len(slept.pauses) < 2:
            raise Counted
        return len(slept.pauses)

    @serve(whole)
    async def work(ctx: Context, request: Nothing) -> Nothing:
        assert await ctx.options(retry_policy=Retry(9, first=3, on=(Counted,))).run(step) == 2
        return request

    async with start_service([work]) as service:
        service.client.resonate._core.sleeper = slept
        await service.run(whole, "whole/1", Nothing())
    assert slept.pauses == [3, 6]
