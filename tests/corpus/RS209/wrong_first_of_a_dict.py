from resonate.context import Context
from resonate.resonate import Resonate


async def ask(ctx: Context, server: str) -> str:
    return server


async def elect(ctx: Context, servers: list[str]) -> str:
    load = {server: len(server) for server in {it.lower() for it in servers}}  # want: RS209
    first = next(iter(load))
    return await ctx.run(ask, first)


def register(resonate: Resonate) -> None:
    resonate.register(elect)
