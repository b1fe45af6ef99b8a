"""Options that are kept and used twice, and options whose timeout is None, which is the default."""

from resonate.context import Context
from resonate.resonate import Resonate


class Billing:
    target = "billing"

    def __init__(self, resonate: Resonate) -> None:
        resonate.register(self.close_month, name="close-month")

    async def close_month(self, ctx: Context, month: str, customers: list[str]) -> int:
        billing = ctx.options(target="billing", version=2)  # want: RS308
        total = 0
        for customer in customers:
            draft = await billing.rpc("billing.draft", customer, month)
            total += await billing.rpc("billing.send", draft)
        await ctx.options(target="ledger", timeout=None).rpc("ledger.close", month)  # want: RS308
        return total
