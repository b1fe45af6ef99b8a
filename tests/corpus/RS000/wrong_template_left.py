# file: service/settings.py
import os

RESONATE_URL = os.environ.get("RESONATE_URL")
{% if database %}  # want: RS000
DATABASE_URL = os.environ["DATABASE_URL"]
{% endif %}

# file: service/worker.py
import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

from service.settings import RESONATE_URL


async def ping(ctx: Context) -> str:
    return "pong"


async def main() -> None:
    client = Resonate(url=RESONATE_URL, group="service", retry_policy=Never())
    client.register(ping)
    await asyncio.Event().wait()
