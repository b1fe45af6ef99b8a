"""`telemetry.replays`: a workflow's log lines are written once, though it runs from the top at each wake."""

import asyncio
import logging
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.connections.local import ServerState
from resonate.context import Context
from shop.runtime.durable.gate import Gate
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.retry import Retry
from shop.runtime.engine.worker import stop
from shop.runtime.service import Service
from shop.runtime.telemetry import replays
from shop.runtime.testing.running import StartService

from .lives import Life
from .telemetry import Log
from .waiting import until

logger = logging.getLogger("shop.workflows.made_for_a_test")


class Text(BaseModel):
    """A request, a result and an answer."""

    text: str = ""


work = Rpc(name="work", group="workers", request=Text, result=Text)
part = Rpc(name="part", group="workers", request=Text, result=Text)
asked = Gate("asked", Text)


async def step(ctx: Context) -> None:
    """A step."""
    logger.info("in a step")


@serve(part)
async def answer(ctx: Context, request: Text) -> Text:
    """Answer at once."""
    return request


@serve(work)
async def talk(ctx: Context, request: Text) -> Text:
    """Log between calls."""
    logger.info("begins")
    await ctx.run(step)
    first, second = part(ctx, request), part(ctx, request)
    logger.info("has called two")
    await first
    logger.info("has one answer")
    await second
    logger.info("asks")
    await asked.wait(ctx, timedelta(minutes=1))
    logger.info("has its answer")
    return request


WRITTEN = ["begins", "in a step", "has called two", "has one answer", "asks", "has its answer"]


def said(log: Log) -> list[str]:
    """What the workflow has logged."""
    return [line["message"] for line in log.lines(logger=logger.name)]


async def test_each_line_is_written_once(start_service: StartService, log: Log) -> None:
    async with start_service([talk, answer]) as service:
        await asyncio.gather(service.run(work, "job/1", Text()), service.answer(asked, "job/1", Text(text="yes")))
    assert said(log) == WRITTEN
    assert {line["job"] for line in log.lines(logger=logger.name)} == {"shop/job/1"}


async def test_another_process_writes_no_line_again_that_a_call_follows(definition: Service, log: Log) -> None:
    state = ServerState()
    life = Life(definition, state, talk, answer)
    await work.start(life.client, "job/1", Text())
    await until(lambda: life.client.find("asked/job/1"))
    await until(lambda: state.tasks["shop/job/1"].state == "suspended")
    await life.die()
    assert said(log) == WRITTEN[:-1]
    # Another process remembers nothing of it.
    life = Life(definition, state, talk, answer)
    await asked.deliver(life.client, "job/1", Text(text="yes"))
    await until(lambda: state.promises["shop/job/1"].state == "resolved")
    await stop(life.client, timedelta(seconds=1))
    assert said(log) == WRITTEN


async def test_each_try_of_a_function_without_calls_writes_its_lines(start_service: StartService, log: Log) -> None:
    @serve(part, retry=Retry(2, first=0))
    async def fail_twice(ctx: Context, request: Text) -> Text:
        logger.info("tries")
        if len(said(log)) < 3:
            raise ConnectionError("away")
        return request

    async with start_service([fail_twice]) as service:
        await service.run(part, "job/1", Text())
    assert said(log) == ["tries"] * 3


async def test_a_line_is_not_held_for_long(definition: Service, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that was handed back, and has no calls to tell by."""
    monkeypatch.setattr(replays, "HOLD", 0.05)
    state, go_on = ServerState(), asyncio.Event()

    @serve(part)
    async def hang(ctx: Context, request: Text) -> Text:
        logger.info("hangs")
        logger.warning("at once")
        await go_on.wait()
        return request

    life = Life(definition, state, hang)
    await part.start(life.client, "job/1", Text())
    await until(lambda: len(said(log)) == 2)
    await life.die()
    life = Life(definition, state, hang)
    await until(lambda: said(log) == ["hangs", "at once", "at once", "hangs"])
    go_on.set()
    await until(lambda: state.promises["shop/job/1"].state == "resolved")
    await stop(life.client, timedelta(seconds=1))
