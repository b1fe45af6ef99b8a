from resonate.context import Context
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker


class Ledger:
    """No plain data: what it does with its state is its own affair."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions
        self.opened = 0

    async def add(self, amount: int) -> None:
        self.opened += 1
        async with self.sessions.begin() as session:
            session.add(Entry(amount=amount))


class Entry:
    def __init__(self, amount: int) -> None:
        self.amount = amount


async def book(ctx: Context, ledger: Ledger, amount: int) -> None:
    await ledger.add(amount)
    ledger.last = amount


async def far(ctx: Context, names: list[str]) -> list[str]:
    names.sort()
    return names


async def transfer(ctx: Context, amount: int, names: list[str]) -> list[str]:
    ledger = ctx.get_dependency(Ledger)
    await ctx.run(book, ledger, amount)
    await ctx.run(book, ledger, -amount)
    # Another process has its own copy, in each run.
    ordered = await ctx.rpc("far", names)
    return [*ordered, *names]
