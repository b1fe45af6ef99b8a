# file: shop/__init__.py
# file: shop/contracts.py
GROUP = "workers"


class Order:
    number: str = ""

# file: shop/api.py
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shop.contracts import Orders  # want: RS114


def count(orders: Orders) -> int:
    return len(orders)
