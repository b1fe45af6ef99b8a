"""The workflow `aggregate`: many calls at once."""

from decimal import Decimal

from resonate.context import Context

from ..contracts.db.get_account import GetAccount, get_account
from ..contracts.workflows import aggregate as contract
from ..contracts.workflows.aggregate import Aggregate, Summary
from ..runtime.durable.fan_out import fan_out
from ..runtime.durable.rpc import serve


@serve(contract.aggregate)
async def aggregate(ctx: Context, request: Aggregate) -> Summary:
    """Read all accounts at the same time."""
    answers = await fan_out(ctx, get_account, [GetAccount(account_id=account_id) for account_id in request.account_ids])
    found = [answer.account for answer in answers]
    accounts = [account for account in found if account is not None]
    missing = [wanted for wanted, account in zip(request.account_ids, found, strict=True) if account is None]
    return Summary(accounts=accounts, missing=missing, total=sum((a.balance for a in accounts), Decimal()))
