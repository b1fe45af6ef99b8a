"""POST /invoices starts `send-invoice`; GET /invoices/{id:path} says how it goes."""

from datetime import date

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import SendInvoice, SendInvoiceResult, send_invoice
from ..answers import Accepted, Progress, accepted, poll
from ..dependencies import ForCallers, caller_of
from ..idempotency import start
from ..openapi import POLLED, PREFER, SUBMITTED, for_callers

router = APIRouter(tags=["invoices"], route_class=ForCallers)


class InvoicesRequest(BaseModel):
    """What `POST /invoices` takes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"customer_id": "example", "number": 1}]})

    customer_id: str
    number: int
    due: date | None = None


@router.post("/invoices", status_code=202, openapi_extra=for_callers(), responses=SUBMITTED)
async def start_invoices(body: InvoicesRequest, request: Request, response: Response) -> Accepted:
    """Start `send-invoice`. It runs on, whatever happens to this connection."""
    asked = caller_of(request)
    wanted = SendInvoice(customer_id=body.customer_id, number=body.number, due=body.due)
    root = ids.owned(asked.name, ids.invoice(body.customer_id, body.number))
    public = ids.public_of(root)
    location = f"/invoices/{public}"
    started = await start(asked.engine, send_invoice, root, wanted, send_invoice.timeout, location)
    return accepted(started, public, location, response)


@router.get("/invoices/{id:path}", openapi_extra=for_callers(PREFER), responses=POLLED)
async def poll_invoices(id: str, request: Request, response: Response) -> Progress[SendInvoiceResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = caller_of(request)
    root = ids.root("invoice", caller.visible(id))
    return Progress[SendInvoiceResult].of(id, await poll(caller, root, request, response))
