from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

MIRRORS = {"ams", "fra", "iad", "syd"}


async def build(ctx: Context, package: str) -> str:
    return f"{package}.whl"


async def distribute(ctx: Context, package: str, skip: str) -> dict[str, bool]:
    wheel = await ctx.run(build, package)
    mirrors = ctx.options(target="mirrors", timeout=timedelta(minutes=10))
    calls = {name: mirrors.rpc("mirrors.put", name, wheel) for name in MIRRORS - {skip}}  # want: RS209
    return {name: bool(await call) for name, call in calls.items()}


async def start() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="packages", retry_policy=Never())
    client.register(distribute, name="packages.distribute")
    return client
