"""The modules that there are in 0.8, imported in all ways there are."""

import asyncio
from datetime import timedelta

import resonate.resonate as sdk
from resonate import context, retry
from resonate.connections import LocalConnection
from resonate.error import ApplicationError, ServerError
from resonate.types import PromiseRecord, TaskData, Value


async def knead(ctx: context.Context, flour: int) -> int:
    return flour * 2


async def bake(ctx: context.Context, flour: int) -> int:
    dough = await ctx.run(knead, flour)
    await ctx.sleep(timedelta(hours=1))
    return dough


async def look(client: sdk.Resonate, id: str) -> PromiseRecord | None:
    try:
        return await client.promises.get(id)
    except ServerError as error:
        if error.code != 404:
            raise ApplicationError(str(error)) from None
        return None


async def main() -> None:
    network = LocalConnection(pid="one", group="bakery")
    client = sdk.Resonate(network=network, group="bakery", retry_policy=retry.Never())
    client.register(bake)
    task = TaskData(func="bake", args=(500,))
    print(Value(data=task), await client.run("bake/1", bake, 500).result(), await look(client, "bake/1"))


asyncio.run(main())
