import asyncio
import sys
from datetime import timedelta

from resonate.resonate import Resonate


async def backfill(resonate: Resonate, month: str) -> int:
    # A command of an operator, who may wait as long as it takes.
    jobs = resonate.options(target="warehouse", timeout=timedelta(days=2))
    return await jobs.rpc(f"backfill/{month}", "backfill_month", month).result()


async def main() -> None:
    resonate = Resonate(url="http://localhost:8001", group="operators")
    print(await backfill(resonate, sys.argv[1]))
    await resonate.stop()


if __name__ == "__main__":
    asyncio.run(main())
