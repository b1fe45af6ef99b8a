"""POST /invoices starts `send-invoice`; GET /jobs/invoices/{id} says how it goes,
GET /jobs/invoices lists all.
"""

from datetime import date

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from .. import ids
from ..contracts.workflows.send_invoice import SendInvoice, SendInvoiceResult, send_invoice
from ..runtime.durable.ids import public_of, root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.cancel import cancel
from ..runtime.http.openapi import ACCEPTED, CANCELED, POLLED, PREFER, authenticated
from ..runtime.http.pages import Cursor, Limit
from ..runtime.http.runs import RUNS_LISTED, StatusFilter, WorkList, list_work
from ..runtime.http.work import Accepted, Progress, accept, poll, start

router = APIRouter(tags=["invoices"], route_class=AuthenticatedRoute)


class InvoicesRequest(BaseModel):
    """What `POST /invoices` takes."""

    model_config = ConfigDict(
        extra="forbid", strict=True, json_schema_extra={"examples": [{"customer_id": "example", "number": 1}]}
    )

    customer_id: str
    number: int
    due: date | None = None


@router.post(
    "/invoices", status_code=202, openapi_extra=authenticated(polled_at="/jobs/invoices/{id}"), responses=ACCEPTED
)
async def start_invoices(body: InvoicesRequest, request: Request, response: Response) -> Accepted:
    """Start `send-invoice`.

    It runs on, whatever happens to this connection.
    """
    caller = get_caller(request)
    wanted = SendInvoice(customer_id=body.customer_id, number=body.number, due=body.due)
    root = ids.invoice(body.customer_id, body.number)
    location = f"/jobs/invoices/{public_of(root)}"
    started = await start(caller, send_invoice, root, wanted, location)
    return accept(started, response)


@router.get("/jobs/invoices", openapi_extra=authenticated(), responses=RUNS_LISTED)
async def list_invoices(
    request: Request, response: Response, status: StatusFilter = None, limit: Limit = 50, cursor: Cursor = None
) -> WorkList:
    """All of it, the newest first."""
    return await list_work("invoice", request, response, status=status, limit=limit, cursor=cursor, is_shared=True)


@router.get("/jobs/invoices/{id}", openapi_extra=authenticated(PREFER), responses=POLLED)
async def poll_invoices(id: str, request: Request, response: Response) -> Progress[SendInvoiceResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = get_caller(request)
    root = root_id("invoice", caller.shared(id))
    return Progress[SendInvoiceResult].of(await poll(caller, root, request, response))


@router.delete("/jobs/invoices/{id}", status_code=202, openapi_extra=authenticated(), responses=CANCELED)
async def cancel_invoices(id: str, request: Request, response: Response) -> Progress[SendInvoiceResult]:
    """Cancel it: it stops at its next step. The same again changes nothing."""
    caller = get_caller(request)
    root = root_id("invoice", caller.shared(id))
    return Progress[SendInvoiceResult].of(await cancel(caller, root, request, response))
