"""GET /stock/{sku} reads through `db.get_stock`."""

from fastapi import APIRouter, Request

from ..contracts.db.get_stock import GetStock, GetStockResult, get_stock
from ..runtime.durable.ids import public_id, root_id
from ..runtime.http.auth import AuthenticatedRoute, get_caller
from ..runtime.http.openapi import READ, authenticated
from ..runtime.http.work import read

router = APIRouter(tags=["stock"], route_class=AuthenticatedRoute)


@router.get("/stock/{sku}", openapi_extra=authenticated(), responses=READ)
async def read_stock_sku(sku: str, request: Request, place: str | None = None) -> GetStockResult:
    """Answer from `db.get_stock`, within 5 s."""
    caller = get_caller(request)
    wanted = GetStock(sku=sku, place=place)
    root = root_id("db.get_stock", public_id(caller.name, None))
    return await read(caller, get_stock, root, wanted, seconds=5)
