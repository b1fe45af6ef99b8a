"""PUT /customers/{customer_id}/invoices/{number} starts `send-invoice`;
GET /jobs/put-customers-customer-id-invoices-number/{id} says how it goes.
"""

from datetime import date

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.send_invoice import SendInvoice, SendInvoiceResult, send_invoice
from ..runtime.durable.ids import root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.cancel import cancel
from ..runtime.http.idempotency import get_submission
from ..runtime.http.openapi import ACCEPTED, CANCELED, IDEMPOTENCY_KEY, POLLED, PREFER, authenticated
from ..runtime.http.work import Accepted, Progress, accept, poll, start

router = APIRouter(tags=["customers"], route_class=AuthenticatedRoute)


class PutCustomersCustomerIdInvoicesNumberRequest(BaseModel):
    """What `PUT /customers/{customer_id}/invoices/{number}` takes."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{}]})

    due: date | None = None


@router.put(
    "/customers/{customer_id}/invoices/{number}",
    status_code=202,
    openapi_extra=authenticated(IDEMPOTENCY_KEY, polled_at="/jobs/put-customers-customer-id-invoices-number/{id}"),
    responses=ACCEPTED,
)
async def start_put_customers_customer_id_invoices_number(
    customer_id: str,
    number: int,
    body: PutCustomersCustomerIdInvoicesNumberRequest,
    request: Request,
    response: Response,
) -> Accepted:
    """Start `send-invoice`.

    It runs on, whatever happens to this connection.
    """
    submission = get_submission(request)
    location = f"/jobs/put-customers-customer-id-invoices-number/{submission.public_id}"
    wanted = SendInvoice(customer_id=customer_id, number=number, due=body.due)
    root = root_id("put-customers-customer-id-inv-1a78764c", submission.public_id)
    started = await start(submission, send_invoice, root, wanted, location)
    return accept(started, response)


@router.get(
    "/jobs/put-customers-customer-id-invoices-number/{id}", openapi_extra=authenticated(PREFER), responses=POLLED
)
async def poll_put_customers_customer_id_invoices_number(
    id: str, request: Request, response: Response
) -> Progress[SendInvoiceResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    root = root_id("put-customers-customer-id-inv-1a78764c", caller.visible(id))
    return Progress[SendInvoiceResult].of(await poll(caller, root, request, response))


@router.delete(
    "/jobs/put-customers-customer-id-invoices-number/{id}",
    status_code=202,
    openapi_extra=authenticated(),
    responses=CANCELED,
)
async def cancel_put_customers_customer_id_invoices_number(
    id: str, request: Request, response: Response
) -> Progress[SendInvoiceResult]:
    """Cancel it: it stops at its next step. The same again changes nothing."""
    caller = get_caller(request)
    root = root_id("put-customers-customer-id-inv-1a78764c", caller.visible(id))
    return Progress[SendInvoiceResult].of(await cancel(caller, root, request, response))
