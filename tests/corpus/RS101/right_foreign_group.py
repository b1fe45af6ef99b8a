import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def pack(ctx: Context, order: str) -> str:
    return f"box for {order}"


async def fulfil(ctx: Context, order: str) -> dict[str, str]:
    """Payments are another team's: what they register is not in this repository."""
    payments = ctx.options(target="payments", timeout=timedelta(minutes=10))
    receipt = await payments.rpc("payments.charge", {"order": order})
    carrier = await ctx.options(target="poll://any@carriers", timeout=timedelta(hours=2)).rpc("book", order)
    box = await ctx.run(pack, order)
    return {"receipt": receipt, "carrier": carrier, "box": box}


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="fulfilment", retry_policy=policy)
    client.register(fulfil)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
