import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

resonate = Resonate(
    url=os.environ.get("RESONATE_URL"),
    group="looms",
    retry_policy=Exponential(delay=1, factor=2, max_delay=30, max_retries=5),
    autostart=False,
)


@resonate.register(name="weave")
async def weave(ctx: Context, threads: int) -> str:
    return "#" * threads


async def main() -> None:
    resonate.start()
    try:
        print(await resonate.run("weave/1", weave, 40).result())
    finally:
        await resonate.stop()


if __name__ == "__main__":
    asyncio.run(main())
