# file: claims/flow.py
from datetime import timedelta

from resonate.context import Context


async def assess(ctx: Context, claim: str) -> int:
    return len(claim) * 100


async def handle_claim(ctx: Context, claim: str) -> str:
    cents = await ctx.run(assess, claim)
    if cents < 1000:
        return "paid"
    decision = await ctx.promise(id=f"decision/{claim}", timeout=timedelta(days=14))  # want: RS503
    return "paid" if decision else "refused"
# file: claims/worker.py
from resonate.resonate import Resonate
from resonate.retry import Never

from claims.flow import handle_claim


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="claims", retry_policy=Never())
    client.register(handle_claim, name="claims.handle")
    return client
