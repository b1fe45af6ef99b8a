"""A command-line client: its coroutine is neither durable nor a route, and nothing else runs in its loop."""

import asyncio
import subprocess
import sys
import time

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def greet(ctx: Context, name: str) -> str:
    await asyncio.sleep(0.1)
    process = await asyncio.create_subprocess_exec("logger", f"greet {name}")
    await process.wait()
    return f"hello {name}"


async def main() -> None:
    version = subprocess.run(["git", "describe"], capture_output=True, text=True, check=False).stdout
    print("version", version)
    name = input("name? ")
    resonate = Resonate(retry_policy=Constant(delay=1, max_retries=2))
    resonate.register(greet)
    print(await resonate.run(f"greet/{name}", greet, name).result())
    await resonate.stop()
    time.sleep(0.2)
    sys.exit(0)


if __name__ == "__main__":
    asyncio.run(main())
