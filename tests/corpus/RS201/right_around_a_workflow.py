"""Around a workflow, and harmless: it only tells how long it took; properties, validators and steps without a clock."""

import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import wraps

from pydantic import BaseModel, field_validator
from resonate.context import Context
from resonate.resonate import Resonate
from shop_metrics import statsd

logger = logging.getLogger(__name__)

type Durable = Callable[..., Awaitable[str]]


def timed(function: Durable) -> Durable:
    @wraps(function)
    async def wrapper(ctx: Context, *args: object) -> str:
        begun = time.monotonic()
        result = await function(ctx, *args)
        logger.info("%s took %.1f s", function.__name__, time.monotonic() - begun)
        return result

    return wrapper


def measured(name: str) -> Callable[[Durable], Durable]:
    """What a package that is not here makes of a number is not known: a metric, most likely."""

    def decorate(function: Durable) -> Durable:
        async def measure(ctx: Context, *args: object) -> str:
            begun = time.perf_counter()
            try:
                return await function(ctx, *args)
            finally:
                statsd.timing(name, (time.perf_counter() - begun) * 1000)

        return measure

    return decorate


def stamped(function: Durable) -> Durable:
    """For steps: what they give is recorded."""

    @wraps(function)
    async def wrapper(ctx: Context, *args: object) -> str:
        return f"{await function(ctx, *args)} at {time.time()}"

    return wrapper


class Booking(BaseModel):
    room: str
    at: datetime

    @field_validator("at")
    @classmethod
    def with_a_zone(cls, value: datetime) -> datetime:
        return value if value.tzinfo else value.replace(tzinfo=UTC)

    @property
    def title(self) -> str:
        return f"{self.room} {self.at:%H:%M}"


class Receipt(BaseModel):
    room: str

    @property
    def printed(self) -> datetime:
        return datetime.now(UTC)


@stamped
async def store(ctx: Context, title: str, at: float | None = None) -> str:
    receipt = Receipt(room=title)
    return f"{title} {receipt.printed} {at or time.time()}"


@measured("book")
@timed
async def book(ctx: Context, booking: Booking) -> str:
    receipt = Receipt(room=booking.room)
    logger.info("printed at %s", receipt.printed)
    return await ctx.run(store, booking.title)


def register(resonate: Resonate) -> None:
    resonate.register(book)
