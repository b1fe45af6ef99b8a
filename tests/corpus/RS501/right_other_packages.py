"""Packages whose names begin like the SDK's, and a library that has a `Context` of its own."""

import asyncio

import click
from click import Context as Command
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant
from resonate_base.connections import Network


async def sweep(ctx: Context, street: str) -> str:
    return f"{street} is clean"


async def serve(network: Network) -> None:
    client = Resonate(network=network, group="streets", retry_policy=Constant(delay=2, max_retries=5))
    client.register(sweep)
    await asyncio.Event().wait()


@click.command()
@click.pass_context
def main(command: Command) -> None:
    asyncio.run(serve(command.obj))
