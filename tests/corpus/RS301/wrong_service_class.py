from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine


class Payouts:
    """Pays drivers at the end of a week."""

    def __init__(self, resonate: Resonate, engine: AsyncEngine) -> None:
        self.engine = engine
        resonate.register(self.pay_driver, name="payouts.pay_driver")

    async def pay_driver(self, ctx: Context, driver: str, week: int) -> str:
        async with self.engine.connect() as connection:
            total = await connection.scalar(  # want: RS301
                text("SELECT sum(cents) FROM rides WHERE driver = :driver AND week = :week"),
                {"driver": driver, "week": week},
            )
        bank = ctx.options(target="bank", timeout=timedelta(minutes=10))
        receipt = await bank.rpc("bank.transfer", driver, total)
        await ctx.run(self.note, driver, week, receipt)
        return receipt

    async def note(self, ctx: Context, driver: str, week: int, receipt: str) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(
                text("INSERT INTO payouts VALUES (:driver, :week, :receipt) ON CONFLICT DO NOTHING"),
                {"driver": driver, "week": week, "receipt": receipt},
            )
