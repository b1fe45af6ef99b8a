"""GET /stock/{sku} reads through `db.get_stock`."""

from fastapi import APIRouter, Request

from ... import ids
from ...contracts.db import GetStock, GetStockResult, get_stock
from ..answers import read_now
from ..dependencies import ForCallers, caller_of
from ..openapi import READ, for_callers

router = APIRouter(tags=["stock"], route_class=ForCallers)


@router.get("/stock/{sku}", openapi_extra=for_callers(), responses=READ)
async def read_stock_sku(sku: str, request: Request, place: str | None = None) -> GetStockResult:
    """Answer from `db.get_stock`, within 5 s."""
    caller = caller_of(request)
    wanted = GetStock(sku=sku, place=place)
    root = ids.root("db.get_stock", ids.public_id(caller.name, None))
    return await read_now(caller, get_stock, root, wanted, seconds=5)
