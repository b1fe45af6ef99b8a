import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Bus:
    pass


class Kafka(Bus):
    pass


class Store:
    pass


def make_bus() -> Bus:
    return Kafka()


async def publish(ctx: Context, key: str) -> str:
    bus = ctx.get_dependency(Bus)  # want: RS112
    return f"{bus} {ctx.get_dependency(Store)} {key}"


async def main() -> None:
    client = Resonate(group="g", retry_policy=Never(), autostart=False)
    client.register(publish)
    client.with_dependency(make_bus()).with_dependency(Store()).start()
    await asyncio.Event().wait()


asyncio.run(main())
