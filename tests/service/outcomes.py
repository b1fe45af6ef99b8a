"""Durable functions that end in every way: for what is logged, counted and traced of them."""

import logging

from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.retry import Retry
from shop.runtime.errors import Failure


class Number(BaseModel):
    """A request and a result."""

    value: int = 0


inner = Rpc(name="tests.inner", group="tests", request=Number, result=Number)
outer = Rpc(name="tests.outer", group="tests", request=Number, result=Number, version=3)
flaky = Rpc(name="tests.flaky", group="tests", request=Number, result=Number)
refused = Rpc(name="tests.refused", group="tests", request=Number, result=Number)


@serve(inner)
async def run_inner(ctx: Context, request: Number) -> Number:
    logging.getLogger("tests").info("inside", extra={"value": request.value})
    return Number(value=request.value + 1)


@serve(outer)
async def run_outer(ctx: Context, request: Number) -> Number:
    return await inner(ctx, request)


@serve(flaky, retry=Retry(2, first=0))
async def run_flaky(ctx: Context, request: Number) -> Number:
    raise RuntimeError(f"it went wrong:\nbadly with {request.value}")


@serve(refused)
async def run_refused(ctx: Context, request: Number) -> Number:
    raise Failure("there is none\nof them")


SERVED = [
    run_inner,
    run_outer,
    run_refused,
    run_flaky,
]
