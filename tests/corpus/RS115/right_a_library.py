"""A package of steps: whoever makes the worker provides what they need."""

from dataclasses import dataclass

from resonate.context import Context
from resonate.resonate import Resonate


@dataclass
class Sender:
    address: str


async def notify(ctx: Context, text: str) -> str:
    return f"{ctx.get_dependency(Sender).address}: {text}"


def register_all(resonate: Resonate) -> None:
    resonate.register(notify)
