"""Read aloud it sounds right: run, durably, what the step gives."""

from resonate.context import Context
from resonate.resonate import Resonate


class Mailer:
    async def send(self, ctx: Context, to: str) -> str:
        return f"sent to {to}"


async def find(ctx: Context, user: str) -> str:
    return f"{user}@example.org"


async def invite(ctx: Context, user: str) -> str:
    mailer = Mailer()
    address = await ctx.run(find, user)
    return await ctx.run(await mailer.send(ctx, address))  # want: RS314


def register(resonate: Resonate) -> None:
    resonate.register(invite)
