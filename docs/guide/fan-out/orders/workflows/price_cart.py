"""The workflow `price-cart`: ask for many prices at once."""

from resonate.context import Context

from ..contracts.catalog.get_price import GetPrice, get_price
from ..contracts.workflows import price_cart as contract
from ..contracts.workflows.price_cart import PriceCart, PriceCartResult
from ..runtime.durable.fan_out import fan_out
from ..runtime.durable.rpc import serve


@serve(contract.price_cart)
async def price_cart(ctx: Context, request: PriceCart) -> PriceCartResult:
    """Price a cart. The prices stand in the order of the cart, whichever came first."""
    prices = await fan_out(ctx, get_price, [GetPrice(sku=sku) for sku in request.skus])
    cents = [price.cents for price in prices]
    return PriceCartResult(cents=cents, total_cents=sum(cents))
