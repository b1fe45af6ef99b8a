import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

app = Resonate(
    url=os.environ.get("RESONATE_URL"),
    group="taxi",
    retry_policy=Exponential(delay=1, factor=2, max_delay=30, max_retries=5),
    autostart=False,
)


@app.register
async def ride(ctx: Context, start: str, end: str) -> dict[str, str]:
    """Drive. Pay with `pay_cash` or `pay_card`."""
    receipt = await ctx.run(pay_card, end)
    # Tips: await ctx.run(tip, receipt)
    return {"start": start, "receipt": receipt}


async def pay_card(ctx: Context, place: str) -> str:
    return f"card-{place}"


async def tip(ctx: "Context", receipt: str) -> str:  # want: RS107
    return f"{receipt}+10"


async def pay_cash(ctx: Context, place: str) -> str:  # want: RS107
    return f"cash-{place}"


async def main() -> None:
    app.start()
    tip = 3
    print(await app.run("ride/1", ride, "north", "south").result(), tip)


asyncio.run(main())
