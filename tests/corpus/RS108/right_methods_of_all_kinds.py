import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


@dataclass(eq=False)
class Fleet:
    client: Resonate
    boats: int = 3

    async def sail(self, ctx: Context, boat: int, to: str) -> str:
        return f"{boat} of {self.boats} to {to}"

    @classmethod
    async def repair(cls, ctx: Context, boat: int) -> str:
        return f"{cls.__name__} {boat}"

    @staticmethod
    async def paint(ctx: Context, boat: int, colour: str = "white") -> str:
        return f"{boat} {colour}"

    async def __call__(self, ctx: Context, ports: list[str]) -> list[str]:
        log = [await ctx.run(self.sail, boat, port) for boat, port in enumerate(ports)]
        log.append(await ctx.run(Fleet.repair, 1))
        log.append(await ctx.run(self.paint, 2))
        return log


class Dock:
    async def moor(dock, ctx: Context, boat: int) -> str:
        return f"{boat} moored at {dock}"


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="harbour", retry_policy=Constant(delay=1, max_retries=5))
    fleet, dock = Fleet(client), Dock()
    client.register(fleet, name="fleet")
    client.register(dock.moor)
    print(await client.options(timeout=timedelta(hours=1)).run("fleet/1", fleet, ["a", "b"]).result())
    print(await client.run("moor/1", dock.moor, 7).result())


if __name__ == "__main__":
    asyncio.run(main())
