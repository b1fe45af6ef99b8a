# file: shop/__init__.py
# file: shop/db/__init__.py
# file: shop/db/models.py
class Order:
    number: str = ""

# file: shop/api/orders.py
from ..db.models import Order


def shown(order: Order) -> str:
    return order.number
