"""The region is read where the class and the function are made: another worker may have another one."""

import os

from resonate.context import Context
from resonate.resonate import Resonate


async def store(ctx: Context, region: str, name: str) -> str:
    return f"{region}/{name}"


class Uploads:
    region = os.environ.get("REGION", "eu")

    async def upload(self, ctx: Context, name: str) -> str:
        if self.region == "eu":  # want: RS204
            return await ctx.run(store, "eu", name)
        return await ctx.run(store, "us", name)


async def mirror(ctx: Context, name: str, region: str = os.environ["REGION"]) -> str:  # want: RS204
    return await ctx.options(target=f"mirror-{region}").rpc("store", region, name)


def register(resonate: Resonate) -> None:
    resonate.register(Uploads().upload, name="upload")
    resonate.register(mirror)
    resonate.register(store)
