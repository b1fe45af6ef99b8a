"""A stand-in for `payments.refund` of group `payments`, which another team
serves: for development and tests.
"""

from datetime import date

from resonate.context import Context

from ..contracts.payments import refund as contract
from ..contracts.payments.refund import Refund, RefundResult
from ..runtime.durable.rpc import serve


@serve(contract.refund)
async def refund(ctx: Context, request: Refund) -> RefundResult:
    """Answer `payments.refund` as the other side would."""
    return RefundResult(
        # An example: nothing here has this name and type.
        refunded_on=date(2026, 1, 31)
    )
