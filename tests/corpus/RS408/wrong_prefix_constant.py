# file: naming.py
SERVICE = "payroll"
PREFIX = SERVICE + ":"

# file: start.py
import asyncio
import sys
from datetime import timedelta

from resonate.resonate import Resonate

import naming


async def main(month: str) -> None:
    resonate = Resonate(url="http://localhost:8001", group="payroll-cli")
    payroll = resonate.options(target="payroll", timeout=timedelta(days=2))
    handle = payroll.rpc(naming.PREFIX + month, "pay_salaries", month)  # want: RS408
    print(await handle.id())
    await resonate.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
