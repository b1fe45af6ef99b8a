"""The workflow `quote-trip`, version 1, as it was deployed."""

from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import quote_trip_v1 as contract
from ..contracts.workflows.quote_trip import QuoteTrip, QuoteTripResult
from ..runtime.durable.rpc import serve
from .quote_trip import price


@serve(contract.quote_trip_v1)
async def quote_trip_v1(ctx: Context, request: QuoteTrip) -> QuoteTripResult:
    """Quote a trip, a moment later."""
    await ctx.sleep(timedelta(seconds=1))
    return QuoteTripResult(cents=await ctx.run(price, request.days), insured=False)
