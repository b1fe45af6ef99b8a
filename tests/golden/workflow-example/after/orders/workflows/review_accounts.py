"""The workflow `review-accounts`."""

from decimal import Decimal

from resonate.context import Context

from ..contracts.db.get_account import AccountView, GetAccount, get_account
from ..contracts.workflows import review_accounts as contract
from ..contracts.workflows.aggregate import Aggregate, Summary, aggregate
from ..contracts.workflows.review_accounts import ReviewAccounts, ReviewAccountsResult
from ..runtime.durable.rpc import serve


@serve(contract.review_accounts)
async def review_accounts(ctx: Context, request: ReviewAccounts) -> ReviewAccountsResult:
    """Run `review-accounts`."""
    await aggregate(
        ctx,
        Aggregate(
            # An example: nothing here has this name and type.
            account_ids=["example"]
        ),
    )
    await get_account(
        ctx,
        GetAccount(
            # An example: nothing here has this name and type.
            account_id="example"
        ),
    )
    return ReviewAccountsResult(
        # An example: nothing here has this name and type.
        summary=Summary(
            accounts=[AccountView(id="example", owner="example", balance=Decimal("1.50"))],
            missing=["example"],
            total=Decimal("1.50"),
        )
    )
