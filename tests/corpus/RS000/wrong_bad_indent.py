import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


async def translate(ctx: Context, text: str) -> str:
    if not text:
        return ""
    words = text.split()
      return " ".join(reversed(words))  # want: RS000


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="lingua", retry_policy=Constant(delay=2, max_retries=5))
    client.register(translate)
    await asyncio.Event().wait()


asyncio.run(main())
