"""Doubles are left out by a dict, which keeps the order; the set is only asked what was seen."""

from collections.abc import Iterable

from resonate.context import Context
from resonate.resonate import Resonate


def unique(names: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    result: list[str] = []
    for name in names:
        if name not in seen:
            seen.add(name)
            result.append(name)
    return result


async def invite(ctx: Context, name: str, table: int) -> bool:
    return bool(name) and table > 0


async def wedding(ctx: Context, tables: dict[str, int], extra: list[str]) -> int:
    coming = 0
    for name in dict.fromkeys([*tables, *extra]):
        coming += await ctx.run(invite, name, tables.get(name, 1))
    for name in unique(extra):
        coming += await ctx.run(invite, name, 9)
    return coming


def install(client: Resonate) -> None:
    client.register(wedding)
