"""Contexts of other libraries, and one of the project's own, that have these attributes."""

import asyncio
import random
import time
from dataclasses import dataclass, field

import click
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


@dataclass
class Turn:
    """What a player's turn has at hand."""

    deps: dict[str, str]
    random: random.Random = field(default_factory=random.Random)
    time: float = field(default_factory=time.time)

    def get_dependency(self, name: str) -> str:
        return self.deps[name]

    def rfc(self, number: int) -> str:
        return f"RFC {number}"


def describe(ctx: Turn) -> str:
    return f"{ctx.get_dependency('name')} {ctx.rfc(9110)} {ctx.deps} {ctx.random.random()} {ctx.time}"


async def turn(ctx: Context, name: str) -> str:
    return describe(Turn({"name": name}))


async def serve() -> None:
    client = Resonate(url="http://localhost:8001", group="board", retry_policy=Never())
    client.register(turn)
    await asyncio.Event().wait()


@click.command()
@click.pass_context
def main(ctx: click.Context) -> None:
    ctx.obj = ctx.params.get("board")
    asyncio.run(serve())
