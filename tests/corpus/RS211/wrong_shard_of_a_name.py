"""Mail is sent through one of eight relays: which one is decided by the hash of the recipient."""

from resonate.context import Context
from resonate.resonate import Resonate

RELAYS = 8


async def send(ctx: Context, relay: int, to: str) -> str:
    return f"{to} by {relay}"


async def newsletter(ctx: Context, recipients: list[str], subject: str) -> list[str]:
    shard = hash(subject) % RELAYS  # want: RS211
    sent = []
    for to in recipients:
        sent.append(await ctx.options(target=f"relay-{shard}").rpc("send", shard, to))
    return sent


def register(resonate: Resonate) -> None:
    resonate.register(newsletter)
    resonate.register(send)
