"""The workflow `review-accounts`, end to end.

This process runs every group, and stand-ins for the groups that other teams serve.
"""

from orders.contracts.workflows.review_accounts import ReviewAccounts, review_accounts
from orders.runtime.http.work import Status
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService

REQUEST = ReviewAccounts(accounts=["example"], by="example")


async def test_review_accounts(service: RunningService) -> None:
    outcome = await service.outcome(review_accounts, "review-accounts/test", REQUEST)
    # The request is an example, which may be refused: check here what becomes of yours.
    assert outcome.status in (Status.SUCCEEDED, Status.FAILED), outcome


def test_review_accounts_survives_crashes(crashes: Crashes) -> None:
    """Wherever the process dies, what becomes of it is the same."""
    crashes(review_accounts, REQUEST)
