"""The workflow `close-order`: it ends at once, and leaves a child that goes on."""

from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import close_order as contract
from ..contracts.workflows.ask_opinion import AskOpinion, ask_opinion
from ..contracts.workflows.close_order import CloseOrder, CloseOrderResult
from ..runtime.durable.rpc import serve
from ..runtime.engine.namespace import Namespace


@serve(contract.close_order)
async def close_order(ctx: Context, request: CloseOrder) -> CloseOrderResult:
    """Close an order; its opinion is asked for later, and nobody here waits for that."""
    opinion = AskOpinion(order_id=request.order_id)
    # To await this is to wait until it has been recorded, not until it has run. Without a timeout it has one day.
    started = await ctx.options(timeout=timedelta(days=6)).detached(ask_opinion.name, opinion.model_dump(mode="json"))
    return CloseOrderResult(order_id=request.order_id, opinion_job=ctx.get_dependency(Namespace).local_id(started))
