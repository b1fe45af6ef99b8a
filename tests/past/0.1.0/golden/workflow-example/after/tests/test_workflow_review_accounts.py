"""The workflow `review-accounts`, end to end.

This process runs every group, and stand-ins for the groups that other teams serve.
"""

from datetime import timedelta

from orders.api.idempotency import Outcome, Status, await_end
from orders.contracts.workflows import ReviewAccounts, review_accounts
from tests.conftest import PATIENCE, Service
from tests.crashes import Crashes

REQUEST = ReviewAccounts(accounts=["example"], by="example")


async def test_review_accounts(service: Service) -> None:
    record = await service.engine.start_workflow(
        review_accounts,
        "review-accounts/test",
        REQUEST,
        timedelta(seconds=60),
        {},
    )
    ended = Outcome.of(await await_end(service.engine, record, PATIENCE))
    # What becomes of examples is for the functions that it calls to say: check here what they should.
    assert ended.status in (Status.SUCCEEDED, Status.FAILED), ended


def test_review_accounts_survives_crashes(crashes: Crashes) -> None:
    """Wherever the process dies, what becomes of it is the same."""
    crashes(review_accounts, REQUEST)
