"""The workflow `remind-customer`: wait some days, then send a reminder."""

from datetime import timedelta

from resonate.context import Context

from ..contracts.mail.remind import Remind, remind
from ..contracts.workflows import remind_customer as contract
from ..contracts.workflows.remind_customer import RemindCustomer, RemindCustomerResult
from ..runtime.durable.rpc import serve


@serve(contract.remind_customer)
async def remind_customer(ctx: Context, request: RemindCustomer) -> RemindCustomerResult:
    """Remind the customer of an invoice, once."""
    await ctx.sleep(timedelta(days=request.days))
    reminded = await remind(ctx, Remind(invoice_id=request.invoice_id))
    return RemindCustomerResult(invoice_id=request.invoice_id, reminded=reminded.sent)
