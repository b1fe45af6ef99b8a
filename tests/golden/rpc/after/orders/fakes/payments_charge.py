"""A stand-in for `payments.charge` of group `payments`, which another team
serves: for development and tests.
"""

from uuid import UUID

from resonate.context import Context

from ..contracts.payments import charge as contract
from ..contracts.payments.charge import Charge, ChargeResult
from ..runtime.durable.rpc import serve


@serve(contract.charge)
async def charge(ctx: Context, request: Charge) -> ChargeResult:
    """Answer `payments.charge` as the other side would."""
    return ChargeResult(
        # Examples: nothing here has these names and types.
        receipt=UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"),
        paid=True,
    )
