"""A stand-in for `catalog.get-price` of group `catalog`, which another team serves:
for development and tests.
"""

from resonate.context import Context

from ..contracts.catalog import get_price as contract
from ..contracts.catalog.get_price import GetPrice, GetPriceResult
from ..runtime.durable.rpc import serve
from ..runtime.errors import Failure

PRICES = {"lamp": 40_00, "tv": 299_00, "sofa": 800_00}


@serve(contract.get_price)
async def get_price(ctx: Context, request: GetPrice) -> GetPriceResult:
    """Answer `catalog.get-price` as the other side would."""
    if request.sku == "unknown":
        raise Failure("there is no such article", code="no-such-article", status=404)
    return GetPriceResult(cents=PRICES.get(request.sku, 1))
