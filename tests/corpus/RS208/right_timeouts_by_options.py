"""Bounds that the engine keeps, and a function of the project's own that is called `timeout`."""

from datetime import timedelta

from resonate.context import Context
from resonate.error import ApplicationError
from resonate.resonate import Resonate


def timeout(level: int) -> timedelta:
    return timedelta(seconds=30 * level)


def sleep(level: int) -> str:
    return f"sleep level {level}"


async def record(ctx: Context, what: str) -> None:
    print(what)


async def ask_expert(ctx: Context, question: str, level: int) -> str | None:
    experts = ctx.options(target="experts", timeout=timeout(level))
    await ctx.run(record, sleep(level))
    try:
        return str(await experts.rpc("experts.answer", question))
    except ApplicationError:
        await ctx.options(timeout=timeout(1)).run(record, "nobody answered")
        return None


def install(client: Resonate) -> None:
    client.register(ask_expert)
