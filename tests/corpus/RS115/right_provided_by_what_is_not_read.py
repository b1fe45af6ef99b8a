"""A list of dependencies comes from a plugin; and the client goes to a package that is not here."""

import asyncio
import os
from importlib.metadata import entry_points

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Oven:
    degrees = 220


async def bake(ctx: Context, loaf: str) -> str:
    return f"{loaf} at {ctx.get_dependency(Oven).degrees}"


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="bakery", retry_policy=Never())
    for entry in entry_points(group="ovens"):
        client.with_dependency(entry.load()())
    client.register(bake)
    await asyncio.Event().wait()


asyncio.run(main())
