"""The workflow builds the statement; a step executes it. Arguments of a step are not serialised."""

from resonate.context import Context
from resonate.resonate import Resonate
from sqlalchemy import Column, Integer, MetaData, String, Table, Update, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import Select

tickets = Table("tickets", MetaData(), Column("id", Integer), Column("state", String))


async def fetch_ids(ctx: Context, statement: Select[tuple[int]]) -> list[int]:
    async with ctx.get_dependency(AsyncEngine).connect() as connection:
        return [row.id for row in await connection.execute(statement)]


async def change(ctx: Context, statement: Update) -> int:
    async with ctx.get_dependency(AsyncEngine).begin() as connection:
        return (await connection.execute(statement)).rowcount


async def close_stale_tickets(ctx: Context, limit: int) -> int:
    stale = select(tickets.c.id).where(tickets.c.state == "stale").order_by(tickets.c.id).limit(limit)
    closed = 0
    for ticket in await ctx.run(fetch_ids, stale):
        statement = update(tickets).where(tickets.c.id == ticket).values(state="closed")
        closed += await ctx.run(change, statement)
    return closed


def register(resonate: Resonate) -> None:
    resonate.register(close_stale_tickets)
