# file: shop/service.py
from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from resonate.context import Context
from resonate.resonate import Resonate


class Mailer(Protocol):
    async def send(self, to: str) -> str: ...


@dataclass
class Orders:
    client: Resonate
    mailer: Mailer

    def __post_init__(self) -> None:
        self.client.register(self.place, name="orders.place")
        self.client.register(self.refund)

    async def place(self, ctx: Context, number: int) -> str:
        await ctx.run(self.notify, f"{number}@example.com")
        return await ctx.options(timeout=timedelta(minutes=1)).rpc(self.refund, number)

    async def notify(self, ctx: Context, to: str) -> str:
        return await self.mailer.send(to)

    async def refund(self, ctx: Context, number: int, reason: str = "none") -> str:
        return f"{number} {reason}"

    async def start(self, number: int) -> str:
        handle = self.client.run(f"order/{number}", self.place, number)
        return await handle.result()

# file: shop/main.py
import asyncio
import os

from resonate.resonate import Resonate
from resonate.retry import Never

from shop.service import Orders


class Smtp:
    async def send(self, to: str) -> str:
        return to


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="orders", retry_policy=Never())
    print(await Orders(client, Smtp()).start(3))


asyncio.run(main())
