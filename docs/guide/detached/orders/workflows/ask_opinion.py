"""The workflow `ask-opinion`: some days after an order, ask the customer about it."""

from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import ask_opinion as contract
from ..contracts.workflows.ask_opinion import AskOpinion, AskOpinionResult
from ..runtime.durable.rpc import serve


@serve(contract.ask_opinion)
async def ask_opinion(ctx: Context, request: AskOpinion) -> AskOpinionResult:
    """Wait two days, then ask."""
    await ctx.sleep(timedelta(days=2))
    return AskOpinionResult(asked=await ctx.run(ask, request.order_id))


async def ask(ctx: Context, order_id: str) -> bool:
    """Step: send the question; here an order that is called `secret` is not asked about."""
    return order_id != "secret"
