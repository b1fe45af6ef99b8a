import asyncio
import os
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

resonate = Resonate(
    url=os.environ.get("RESONATE_URL"),
    group="fever",
    retry_policy=Exponential(delay=1, factor=2, max_delay=30, max_retries=5),
    autostart=False,
)


@resonate.register
async def measure(ctx: Context, patient: str) -> float:
    return 36.5 + len(patient) / 10


@resonate.register(name="watch")
async def watch(ctx: Context, patient: str, nights: int) -> list[float]:
    curve = []
    for _ in range(nights):
        curve.append(await ctx.run(measure, patient))
        await ctx.sleep(timedelta(hours=8))
    return curve


async def main() -> None:
    resonate.register(measure)  # want: RS104
    resonate.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
