import asyncio
import os

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential


async def charge(ctx: Context, card: str, cents: int) -> str:
    async with httpx.AsyncClient(timeout=10) as http:
        answer = await http.post("https://cards.example.com/charges", json={"card": card, "cents": cents})
        return str(answer.json()["receipt"])


async def charge_nobody(ctx: Context, card: str, cents: int) -> str:
    return f"test-{card}-{cents}"


async def notify(ctx: Context, text: str) -> None:
    print(text)


def register(client: Resonate, live: bool, loud: bool) -> None:
    if live:
        client.register(charge)
    else:
        client.register(charge_nobody, name="charge")
    match loud:
        case True:
            client.register(notify, name="notify")
        case _:
            client.register(lambda ctx, text: None, name="notify")


def register_legacy(client: Resonate, old: bool) -> None:
    if old:
        client.register(charge, name="pay")
        return
    client.register(charge_nobody, name="pay")


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=5)
    client = Resonate(url=os.environ["RESONATE_URL"], group="tills", retry_policy=policy)
    register(client, os.environ.get("LIVE") == "1", loud=False)
    register_legacy(client, old=True)
    await asyncio.Event().wait()
