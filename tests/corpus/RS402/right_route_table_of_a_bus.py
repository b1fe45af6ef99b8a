# file: bus.py
from collections.abc import Callable
from typing import Any


class Bus:
    """Topics to durable functions: `post` has nothing to do with HTTP."""

    def __init__(self) -> None:
        self.topics: dict[str, Callable[..., Any]] = {}

    def post(self, topic: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def keep(function: Callable[..., Any]) -> Callable[..., Any]:
            self.topics[topic] = function
            return function

        return keep


# file: worker.py
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant

from bus import Bus

bus = Bus()


@bus.post("meter.read")
async def on_reading(ctx: Context, meter: str, value: int) -> str:
    await ctx.sleep(timedelta(minutes=5))
    return f"{meter}={value}"


def connect(url: str) -> Resonate:
    resonate = Resonate(url=url, group="meters", retry_policy=Constant(delay=2, max_retries=4))
    for topic, function in bus.topics.items():
        resonate.register(function, name=topic)
    return resonate
