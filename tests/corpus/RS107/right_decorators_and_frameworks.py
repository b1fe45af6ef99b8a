import asyncio
import os
from collections.abc import Callable
from typing import Any, Protocol

import click
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

HANDLERS: dict[str, Callable[..., Any]] = {}


def handles(kind: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        HANDLERS[kind] = function
        return function

    return keep


@handles("mail")
async def on_mail(ctx: Context, body: str) -> str:
    return f"mail: {body}"


@handles("call")
async def on_call(ctx: Context, body: str) -> str:
    return f"call: {body}"


class Handler(Protocol):
    async def handle(self, ctx: Context, body: str) -> str: ...


class Parrot:
    """Fits Handler: whoever holds one calls it by the protocol."""

    async def handle(self, ctx: Context, body: str) -> str:
        return body


async def answer(ctx: Context, kind: str, body: str) -> str:
    handler: Handler = Parrot()
    return await handler.handle(ctx, await ctx.run(on_mail if kind == "mail" else on_call, body))


@click.command()
@click.pass_context
def version(ctx: click.Context) -> None:
    """Another library's context."""
    click.echo(ctx.info_name)


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="desk", retry_policy=Never())
    client.register(answer)
    for kind, handler in HANDLERS.items():
        client.register(handler, name=f"desk.{kind}")
    await asyncio.Event().wait()
