"""The workflow `tidy-up`.

A workflow only orchestrates: it runs again from the top whenever it wakes, and every
durable call answers from the record. So it must make the same calls in the same order:
no clock, no random value, no I/O outside a step.
"""

from resonate.context import Context

from ..contracts.workflows import tidy_up as contract
from ..contracts.workflows.tidy_up import TidyUp, TidyUpResult
from ..runtime.durable.rpc import serve


@serve(contract.tidy_up)
async def tidy_up(ctx: Context, request: TidyUp) -> TidyUpResult:
    """Run `tidy-up`."""
    return TidyUpResult()
