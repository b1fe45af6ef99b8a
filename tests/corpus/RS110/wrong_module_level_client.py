# file: pets/app.py
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential

BOUNDED = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)

resonate = Resonate(url=os.environ["RESONATE_URL"], group="pets", retry_policy=BOUNDED)  # want: RS110


@resonate.register
async def groom(ctx: Context, pet: str) -> str:
    return f"{pet} is clean"

# file: pets/worker.py
import asyncio

from pets.app import groom, resonate


async def main() -> None:
    print(await resonate.run("groom/rex", groom, "rex").result())
    await resonate.stop()


if __name__ == "__main__":
    asyncio.run(main())
