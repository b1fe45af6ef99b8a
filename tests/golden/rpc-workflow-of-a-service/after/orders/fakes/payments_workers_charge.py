"""A stand-in for `charge` of group `payments.workers`, which another team
serves: for development and tests.
"""

from uuid import UUID

from resonate.context import Context

from ..contracts.payments_workers import charge as contract
from ..contracts.payments_workers.charge import Charge, ChargeResult
from ..runtime.durable.rpc import serve


@serve(contract.charge)
async def charge(ctx: Context, request: Charge) -> ChargeResult:
    """Answer `charge` as the other side would."""
    return ChargeResult(
        # An example: nothing here has this name and type.
        receipt=UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11")
    )
