import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Store:
    pass


class Redis(Store):
    pass


def provide(client, *values):
    for value in values:
        client.with_dependency(value)


async def get(ctx: Context, key: str) -> str:
    return str(ctx.get_dependency(Store)) + str(ctx.get_dependency(httpx.AsyncClient))


@asynccontextmanager
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


async def main() -> None:
    client = Resonate(group="g", retry_policy=Never())
    client.register(get)
    client.with_dependency(Redis())
    async with http() as shared:
        provide(client, Store(), shared)
        await asyncio.Event().wait()


asyncio.run(main())
