"""A stand-in for `payments.charge`, which another team serves: for development and tests."""

from uuid import UUID

from resonate.context import Context

from ..contracts.payments import Charge, ChargeResult


async def charge(ctx: Context, request: Charge) -> ChargeResult:
    """Answer one `payments.charge`, as the other side would."""
    return ChargeResult(
        # Examples: nothing here has these names and types.
        receipt=UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"),
        paid=True,
    )
