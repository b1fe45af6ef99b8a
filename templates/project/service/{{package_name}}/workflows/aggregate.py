"""The workflow `aggregate`: fan out, then await in order."""

from decimal import Decimal

from resonate.context import Context

from ..contracts.db.get_account import GetAccount, get_account
from ..contracts.workflows import aggregate as contract
from ..contracts.workflows.aggregate import Aggregate, Summary
from ..runtime.durable.rpc import serve


@serve(contract.aggregate)
async def aggregate(ctx: Context, request: Aggregate) -> Summary:
    """Read all accounts at the same time.

    Every call is in flight before the first is awaited; awaiting them in the order of the calls keeps replays equal.
    (`asyncio.TaskGroup` around durable calls would leak the worker's lease.)
    """
    calls = [get_account(ctx, GetAccount(account_id=account_id)) for account_id in request.account_ids]
    found = [(await call).account for call in calls]
    accounts = [account for account in found if account is not None]
    missing = [wanted for wanted, account in zip(request.account_ids, found, strict=True) if account is None]
    return Summary(accounts=accounts, missing=missing, total=sum((a.balance for a in accounts), Decimal()))
