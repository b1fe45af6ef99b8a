"""The workflow `price-cart`: many calls, their order, and a failure among them."""

from orders.contracts.workflows.price_cart import PriceCart, PriceCartResult, price_cart
from orders.runtime.http.work import Status
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService


async def test_prices_stand_in_the_order_of_the_cart(service: RunningService) -> None:
    skus = ["lamp", "tv", "sofa"] * 20  # More than are in flight at a time.
    result = await service.run(price_cart, "price-cart/1", PriceCart(skus=skus))
    assert result == PriceCartResult(cents=[40_00, 299_00, 800_00] * 20, total_cents=22_780_00)


async def test_one_that_fails_fails_the_cart(service: RunningService) -> None:
    outcome = await service.outcome(price_cart, "price-cart/2", PriceCart(skus=["tv", "unknown"]))
    assert outcome.error is not None and outcome.error.code == "no-such-article"


def test_it_survives_crashes(crashes: Crashes) -> None:
    assert crashes(price_cart, PriceCart(skus=["lamp", "tv"])).status is Status.SUCCEEDED
