"""The workflow `tidy-up`."""

from resonate.context import Context

from ..contracts.workflows import tidy_up as contract
from ..contracts.workflows.tidy_up import TidyUp, TidyUpResult
from ..runtime.durable.rpc import serve


@serve(contract.tidy_up)
async def tidy_up(ctx: Context, request: TidyUp) -> TidyUpResult:
    """Run `tidy-up`."""
    return TidyUpResult()
