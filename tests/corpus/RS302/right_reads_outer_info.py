"""A step may read of the outer context what is no durable call: its id, its options, a dependency."""

from dataclasses import dataclass

from resonate.context import Context
from resonate.resonate import Resonate


@dataclass
class Settings:
    printer: str


async def print_tickets(ctx: Context, seats: list[str]) -> int:
    async def print_one(_: Context, seat: str) -> str:
        printer = ctx.get_dependency(Settings).printer
        return f"{printer}: {seat} ({ctx.info.id}, {ctx.info.origin_id})"

    printed = 0
    for seat in seats:
        print(await ctx.run(print_one, seat))
        printed += 1
    return printed


def register(resonate: Resonate) -> None:
    resonate.with_dependency(Settings(printer="hall-2"))
    resonate.register(print_tickets)
