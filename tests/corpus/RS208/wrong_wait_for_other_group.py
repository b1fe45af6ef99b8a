from asyncio import timeout, wait_for
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate


async def apologise(ctx: Context, guest: str) -> None:
    print("sorry,", guest)


async def book_table(ctx: Context, guest: str, seats: int) -> str:
    kitchen = ctx.options(target="kitchen", timeout=timedelta(minutes=2))
    table = await wait_for(kitchen.rpc("kitchen.table_for", seats), timeout=5)  # want: RS208
    if table is None:
        async with timeout(30):  # want: RS208
            await ctx.run(apologise, guest)
        return "full"
    return str(table)


def install(client: Resonate) -> None:
    client.register(book_table, name="book-table")
