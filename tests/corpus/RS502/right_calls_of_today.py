"""Everything that replaced the old client's ways."""

import asyncio
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential
from resonate.types import Value


class Scales:
    def weigh(self, thing: str) -> int:
        return len(thing)


async def weigh(ctx: Context, thing: str) -> int:
    return ctx.get_dependency(Scales).weigh(thing)


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url="http://localhost:8001", group="scales", retry_policy=policy)
    client.with_dependency(Scales())
    client.register(weigh)
    first = client.run("weigh/1", weigh, "pear")
    second = client.options(timeout=timedelta(minutes=1), target="scales").rpc("weigh/2", "weigh", "plum")
    print(await first.result(), await second.result())
    await client.promises.resolve(id="gate/1", value=Value(data={"open": True}))
    await client.promises.resolve("gate/2", Value(data=None))
    print(Value(headers={"by": "gatekeeper"}, data="late"))
    await client.stop()


asyncio.run(main())
