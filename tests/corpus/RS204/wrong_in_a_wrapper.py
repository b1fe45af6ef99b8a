import os
from collections.abc import Awaitable, Callable

from resonate.context import Context
from resonate.resonate import Resonate


def for_this_tenant(function: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
    async def tenant_of(ctx: Context, *args: str) -> str:
        return await function(ctx, os.environ["TENANT"], *args)

    return tenant_of


async def store(ctx: Context, tenant: str, name: str) -> str:
    return f"{tenant}/{name}"


@for_this_tenant  # want: RS204
async def upload(ctx: Context, tenant: str, name: str) -> str:
    return await ctx.run(store, tenant, name)


def register(resonate: Resonate) -> None:
    resonate.register(upload, name="upload")
