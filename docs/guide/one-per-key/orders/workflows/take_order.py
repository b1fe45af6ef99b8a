"""The workflow `take-order`: the first order of a customer starts the customer's welcome."""

from resonate.context import Context

from ..contracts.workflows import take_order as contract
from ..contracts.workflows.take_order import TakeOrder, TakeOrderResult
from ..contracts.workflows.welcome_customer import WelcomeCustomer, welcome_customer
from ..ids import welcome
from ..runtime.durable.rpc import serve
from ..runtime.engine.client import EngineClient


@serve(contract.take_order)
async def take_order(ctx: Context, request: TakeOrder) -> TakeOrderResult:
    """Take an order, and see that its customer has been welcomed once."""
    job = await ctx.run(start_welcome, WelcomeCustomer(customer_id=request.customer_id))
    return TakeOrderResult(welcome_job=job)


async def start_welcome(ctx: Context, request: WelcomeCustomer) -> str:
    """Step: start the welcome of a customer, or find the one that was started before."""
    job = await welcome_customer.start(ctx.get_dependency(EngineClient), welcome(request.customer_id), request)
    return job.id
