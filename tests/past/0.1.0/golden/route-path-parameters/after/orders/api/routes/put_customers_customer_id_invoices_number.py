"""PUT /customers/{customer_id}/invoices/{number} starts `send-invoice`; GET
/customers/{customer_id}/invoices/{number}/put/{id} says how it goes.
"""

from datetime import date
from urllib import parse

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import SendInvoice, SendInvoiceResult, send_invoice
from ..answers import Accepted, Progress, accepted, asked_for, poll
from ..dependencies import ForCallers, caller_of, not_found, submission_of
from ..idempotency import start
from ..openapi import IDEMPOTENCY_KEY, POLLED, PREFER, SUBMITTED, for_callers

router = APIRouter(tags=["customers"], route_class=ForCallers)


class PutCustomersCustomerIdInvoicesNumberRequest(BaseModel):
    """What `PUT /customers/{customer_id}/invoices/{number}` takes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{}]})

    due: date | None = None


@router.put(
    "/customers/{customer_id}/invoices/{number}",
    status_code=202,
    openapi_extra=for_callers(IDEMPOTENCY_KEY),
    responses=SUBMITTED,
)
async def start_put_customers_customer_id_invoices_number(
    customer_id: str,
    number: int,
    body: PutCustomersCustomerIdInvoicesNumberRequest,
    request: Request,
    response: Response,
) -> Accepted:
    """Start `send-invoice`. It runs on, whatever happens to this connection."""
    asked = submission_of(request)
    location = f"/customers/{parse.quote(customer_id, '')}/invoices/{number}/put/{asked.public}"
    wanted = SendInvoice(customer_id=customer_id, number=number, due=body.due)
    root = ids.root("send-invoice", asked.public)
    started = await start(asked.engine, send_invoice, root, wanted, send_invoice.timeout, location)
    return accepted(started, asked.public, location, response)


@router.get("/customers/{customer_id}/invoices/{number}/put/{id}", openapi_extra=for_callers(PREFER), responses=POLLED)
async def poll_put_customers_customer_id_invoices_number(
    customer_id: str,
    number: int,
    id: str,
    request: Request,
    response: Response,
) -> Progress[SendInvoiceResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = caller_of(request)
    root = ids.root("send-invoice", caller.visible(id))
    record = await poll(caller, root, request, response)
    asked = asked_for(record, send_invoice)
    if not (asked.customer_id == customer_id and asked.number == number):
        raise not_found()
    return Progress[SendInvoiceResult].of(id, record)
