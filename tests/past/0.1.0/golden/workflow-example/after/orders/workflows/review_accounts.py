"""The workflow `review-accounts`.

A workflow only orchestrates: it runs again from the top whenever it wakes, and every durable call answers from the
record. So it must make the same calls in the same order: no clock, no random value, no I/O outside a step.
"""

from resonate.context import Context

from ..contracts import db, workflows
from ..contracts.db import AccountView
from ..contracts.workflows import ReviewAccounts, ReviewAccountsResult, Summary


async def review_accounts(ctx: Context, request: ReviewAccounts) -> ReviewAccountsResult:
    """Run one `review-accounts`."""
    await workflows.aggregate(
        ctx,
        workflows.Aggregate(
            # An example: nothing here has this name and type.
            account_ids=["example"],
        ),
    )
    await db.get_account(
        ctx,
        db.GetAccount(
            # An example: nothing here has this name and type.
            account_id="example",
        ),
    )
    return ReviewAccountsResult(
        # An example: nothing here has this name and type.
        summary=Summary(
            accounts=[AccountView(id="example", owner="example", balance_cents=1)],
            missing=["example"],
            total_cents=1,
        ),
    )
