"""The workflow `quote-trip`: new runs are of version 2, and those of version 1 end as they began."""

from orders.contracts.workflows.quote_trip import QuoteTrip, QuoteTripResult, quote_trip
from orders.contracts.workflows.quote_trip_v1 import quote_trip_v1
from orders.runtime.http.work import Status
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService

REQUEST = QuoteTrip(days=2)
OLD = QuoteTripResult(cents=160_00, insured=False)
NEW = QuoteTripResult(cents=165_02, insured=True)


async def test_both_versions_run_side_by_side(service: RunningService) -> None:
    # What the release before had started still sleeps when this one is deployed.
    await quote_trip_v1.start(service.client, "quote-trip/old", REQUEST)
    assert await service.run(quote_trip, "quote-trip/new", REQUEST) == NEW
    # Asked for again under its id, it is the run that there is, of whichever version.
    assert await service.run(quote_trip, "quote-trip/old", REQUEST) == OLD


def test_each_survives_crashes(crashes: Crashes) -> None:
    for contract in (quote_trip, quote_trip_v1):
        assert crashes(contract, REQUEST).status is Status.SUCCEEDED
