from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate


class Onboarding:
    """Employees get an account, a badge and a desk."""

    def __init__(self, resonate: Resonate) -> None:
        resonate.register(self.welcome, name="onboarding.welcome")

    async def account(self, ctx: Context, name: str) -> str:
        return f"{name}@example.org"

    async def welcome(self, ctx: Context, name: str) -> str:
        facilities = ctx.options(target="facilities", timeout=timedelta(days=2))
        badge = facilities.rpc("badge.print", name)
        desk = facilities.rpc("desk.assign", name)  # want: RS305
        address = await ctx.run(self.account, name)
        return f"{address} {await badge}"
