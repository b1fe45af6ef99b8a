"""A stand-in for `payments.refund`, which another team serves: for development and tests."""

from datetime import date

from resonate.context import Context

from ..contracts.payments import Refund, RefundResult


async def refund(ctx: Context, request: Refund) -> RefundResult:
    """Answer one `payments.refund`, as the other side would."""
    return RefundResult(
        # An example: nothing here has this name and type.
        refunded_on=date(2026, 1, 31),
    )
