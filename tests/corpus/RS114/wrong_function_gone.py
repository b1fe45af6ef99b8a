# file: shop/__init__.py
# file: shop/contracts.py
GROUP = "workers"


class Order:
    number: str = ""

# file: shop/worker.py
from resonate.context import Context

from shop.contracts import GROUP, Invoice  # want: RS114


async def bill(ctx: Context, number: str) -> str:
    return f"{GROUP}/{Invoice.__name__}/{number}"
