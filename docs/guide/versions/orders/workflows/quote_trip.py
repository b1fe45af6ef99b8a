"""The workflow `quote-trip`."""

from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import quote_trip as contract
from ..contracts.workflows.quote_trip import QuoteTrip, QuoteTripResult
from ..runtime.durable.rpc import serve


@serve(contract.quote_trip)
async def quote_trip(ctx: Context, request: QuoteTrip) -> QuoteTripResult:
    """Quote a trip with its insurance, which version 1 did not have: another call, before the others."""
    insurance = await ctx.run(insure, request.days)
    await ctx.sleep(timedelta(seconds=1))
    return QuoteTripResult(cents=await ctx.run(price, request.days) + insurance, insured=True)


async def price(ctx: Context, days: int) -> int:
    """Step: what a trip costs."""
    return days * 80_00


async def insure(ctx: Context, days: int) -> int:
    """Step: what its insurance costs."""
    return 5_00 + days
