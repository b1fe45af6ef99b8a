"""A registry and a `Resonate` of the project itself, which are not the SDK's."""

from collections.abc import Callable
from typing import Any

from resonate.context import Context
from resonate.retry import Exponential


class Resonate:
    """Resonance of a string, in Hertz."""

    def __init__(self, group: str = "violin") -> None:
        self.group = group
        self.modes: list[Callable[..., Any]] = []

    def register(self, mode: Callable[..., Any]) -> None:
        self.modes.append(mode)


def fundamental(length: float) -> float:
    return 440 / length


async def tune(ctx: Context, lengths: list[float]) -> list[float]:
    body = Resonate(group="cello")
    body.register(fundamental)
    return [mode(length) for mode in body.modes for length in lengths]


async def rehearse(ctx: Context) -> list[float]:
    twice = ctx.options(retry_policy=Exponential(delay=1, factor=2, max_delay=10, max_retries=2))
    return await twice.run(tune, [0.5, 0.75])
