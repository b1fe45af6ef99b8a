"""A stand-in for `db.get_balance` of group `payments.db`, which another team
serves: for development and tests.
"""

from resonate.context import Context

from ..contracts.payments_db import get_balance as contract
from ..contracts.payments_db.get_balance import GetBalance, GetBalanceResult
from ..runtime.durable.rpc import serve


@serve(contract.get_balance)
async def get_balance(ctx: Context, request: GetBalance) -> GetBalanceResult:
    """Answer `db.get_balance` as the other side would."""
    return GetBalanceResult()
