"""The workflow `quote-trip`, version 1: until its last run has ended."""

from ...runtime.durable.rpc import JOB_TIMEOUT, Rpc
from .quote_trip import QuoteTrip, QuoteTripResult

quote_trip_v1 = Rpc(
    name="quote-trip",
    group="workers",
    request=QuoteTrip,
    result=QuoteTripResult,
    timeout=JOB_TIMEOUT,
    version=1,
)
