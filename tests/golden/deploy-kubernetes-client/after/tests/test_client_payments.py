"""The client of the HTTP API `payments`, called by a workflow of the test's own; its fake answers."""

from collections.abc import AsyncIterator

import pytest
from pydantic import BaseModel
from resonate.context import Context

from orders.clients.payments import Payments, PaymentsExample
from orders.fakes import payments
from orders.runtime.durable.rpc import Rpc, serve
from orders.runtime.engine.retry import Retry
from orders.runtime.testing.http_api import WatchFake
from orders.runtime.testing.running import RunningService, StartService


class Ask(BaseModel):
    """What is asked for."""

    name: str


ask = Rpc(name="ask", group="tests", request=Ask, result=PaymentsExample)


async def create(ctx: Context, name: str) -> PaymentsExample:
    """Step: the request itself."""
    return await ctx.get_dependency(Payments).create_example(ctx, name)


@serve(ask)
async def create_it(ctx: Context, request: Ask) -> PaymentsExample:
    # Without a pause, which a test would wait for.
    return await ctx.options(retry_policy=Retry(count=2, first=0)).run(create, request.name)


@pytest.fixture
async def service(start_service: StartService) -> AsyncIterator[RunningService]:
    async with start_service(served=[create_it]) as service:
        yield service


async def test_it_is_answered(service: RunningService, watch_fake: WatchFake) -> None:
    watched = watch_fake(payments)
    first = await service.run(ask, "payments/test", Ask(name="one"))
    again = await service.run(ask, "payments/test", Ask(name="one"))
    assert first == again and len(watched.requests) == 1


async def test_what_fails_is_tried_again_with_the_same_key(service: RunningService, watch_fake: WatchFake) -> None:
    watched = watch_fake(payments, 503, 429)
    await service.run(ask, "payments/test", Ask(name="one"))
    assert len(watched.keys) == 3
    assert len(set(watched.keys)) == 1


async def test_a_refusal_is_final(service: RunningService, watch_fake: WatchFake) -> None:
    watched = watch_fake(payments, 422)
    outcome = await service.outcome(ask, "payments/test", Ask(name="one"))
    assert outcome.error is not None and outcome.error.code == "api-refused"
    assert len(watched.requests) == 1
