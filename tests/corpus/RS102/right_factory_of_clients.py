# file: pets/clients.py
import os

from resonate.resonate import Resonate
from resonate.retry import Never


def make_client(group: str) -> Resonate:
    return Resonate(url=os.environ["RESONATE_URL"], group=group, retry_policy=Never())

# file: pets/main.py
import asyncio
from datetime import timedelta

from resonate.context import Context

from pets.clients import make_client


async def feed(ctx: Context, pet: str) -> str:
    return pet


async def day(ctx: Context, pet: str) -> str:
    cats = ctx.options(target="cats", timeout=timedelta(minutes=1))
    return await cats.rpc("feed", pet)


async def main() -> None:
    cats = make_client("cats")
    dogs = make_client("dogs")
    cats.register(feed)
    dogs.register(feed)
    dogs.register(day)
    print(await dogs.run("day/1", day, "rex").result())
    print(await dogs.options(target="cats", timeout=timedelta(minutes=1)).rpc("feed/1", "feed", "tom").result())


asyncio.run(main())
