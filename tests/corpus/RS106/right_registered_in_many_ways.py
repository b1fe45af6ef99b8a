# file: choir/parts.py
from resonate.context import Context


async def alto(ctx: Context, bar: int) -> str:
    return f"alto {bar}"


async def bass(ctx: Context, bar: int) -> str:
    return f"bass {bar}"


async def tenor(ctx: Context, bar: int) -> str:
    return f"tenor {bar}"


LOW = [bass, tenor]

# file: choir/conduct.py
import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

from choir import parts
from choir.parts import LOW, alto as high, tenor


async def sing(ctx: Context, bar: int) -> list[str]:
    now = ctx.options(timeout=timedelta(minutes=1))
    voices = [now.rpc(high, bar), now.rpc(parts.bass, bar), now.rpc(tenor, bar), now.run(hum, bar)]
    return [await voice for voice in voices]


def hum(ctx: Context, bar: int) -> str:
    """A step: it needs no registration."""
    return "m" * bar


def install(client: Resonate) -> Resonate:
    client.register(parts.alto, name="choir.high")
    for function in LOW:
        client.register(function)
    client.register()(sing)
    return client


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = install(Resonate(url=os.environ["RESONATE_URL"], group="choir", retry_policy=policy))
    print(await client.run("sing/1", sing, 1).result())
    print(await client.options(timeout=timedelta(minutes=9)).rpc("sing/2", sing, 2).result())


if __name__ == "__main__":
    asyncio.run(main())
