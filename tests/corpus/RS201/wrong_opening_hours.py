"""A restaurant's kitchen as a service object whose methods are durable."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from resonate.context import Context
from resonate.resonate import Resonate


@dataclass
class Kitchen:
    opens: int = 11
    closed_days: tuple[date, ...] = ()

    def _is_open(self) -> bool:
        if date.today() in self.closed_days:  # want: RS201
            return False
        return datetime.today().hour >= self.opens  # want: RS201

    async def cook(self, ctx: Context, dish: str) -> str:
        return f"{dish}, hot"

    async def take_order(self, ctx: Context, dish: str) -> str:
        while not self._is_open():
            await ctx.sleep(timedelta(minutes=10))
        return await ctx.run(self.cook, dish)


def install(client: Resonate, kitchen: Kitchen) -> None:
    client.register(kitchen.take_order, name="take-order")
