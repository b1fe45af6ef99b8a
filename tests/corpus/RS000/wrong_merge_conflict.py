# file: press/worker.py
import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def layout(ctx: Context, issue: int) -> str:
    return f"issue-{issue}.pdf"


async def serve() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="press", retry_policy=policy)
    client.register(layout)
<<<<<<< HEAD  # want: RS000
    client.register(proof, name="press.proof")
=======
    client.register(proof_pages, name="press.proof")
>>>>>>> proof-pages
    await asyncio.Event().wait()

# file: press/weekly.py
import asyncio
import os
from datetime import timedelta

from resonate.resonate import Resonate


async def start(issue: int) -> str:
    """Nothing is known of what the press registers: its file is broken."""
    client = Resonate(url=os.environ["RESONATE_URL"], group="editors")
    press = client.options(target="press", timeout=timedelta(hours=6))
    handle = press.rpc(f"issue/{issue}", "press.proof", issue)
    return await handle.id()


if __name__ == "__main__":
    print(asyncio.run(start(12)))
