# file: shop/__init__.py
# file: shop/contracts.py
GROUP = "workers"


class Order:
    number: str = ""

# file: shop/worker.py
from . import contracts
from .contracts import Order, Refund as Back  # want: RS114


def both(order: Order) -> tuple[Order, str]:
    return order, f"{Back}{contracts.GROUP}"
