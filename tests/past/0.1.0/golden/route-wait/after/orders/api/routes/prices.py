"""POST /prices starts `price-basket`; GET /prices/{id} says how it goes."""

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import PriceBasket, PriceBasketResult, price_basket
from ..answers import Progress, at_once, poll
from ..dependencies import ForCallers, caller_of, submission_of
from ..idempotency import start
from ..openapi import POLLED, PREFER, for_callers, wrapped

router = APIRouter(tags=["prices"], route_class=ForCallers)


class PricesRequest(BaseModel):
    """What `POST /prices` takes."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"sku": "example"}]})

    sku: str
    quantity: int | None = None


@router.post(
    "/prices",
    response_model=PriceBasketResult,
    openapi_extra=for_callers(PREFER),
    responses=wrapped(Progress[PriceBasketResult]),
)
async def start_prices(body: PricesRequest, request: Request, response: Response) -> Response | PriceBasketResult:
    """Run `price-basket`. It waits up to 5 s, or as `Prefer: wait=N` says."""
    asked = submission_of(request, "none")
    location = f"/prices/{asked.public}"
    wanted = PriceBasket(sku=body.sku, quantity=body.quantity)
    root = ids.root("price-basket", asked.public)
    started = await start(asked.engine, price_basket, root, wanted, price_basket.timeout, location)
    return await at_once(started, PriceBasketResult, asked.public, location, request, response, seconds=5)


@router.get("/prices/{id}", openapi_extra=for_callers(PREFER), responses=POLLED)
async def poll_prices(id: str, request: Request, response: Response) -> Progress[PriceBasketResult]:
    """How it goes, and its result. `Prefer: wait=N` waits for the end."""
    caller = caller_of(request)
    root = ids.root("price-basket", caller.visible(id))
    return Progress[PriceBasketResult].of(id, await poll(caller, root, request, response))
