# file: shop/__init__.py
# file: shop/runtime/durable/rpc.py (shared)
# file: shop/runtime/engine/client.py (shared)
# file: shop/runtime/errors.py (shared)
# file: shop/db/__init__.py
# file: shop/db/models.py
class Order:
    number: str = ""

# file: shop/db/worker.py
GROUP = "db"
SERVED: list[object] = []

# file: shop/db/queries/__init__.py
# file: shop/db/queries/orders.py
from ..models import Order


async def order_by_number(session: object, number: str) -> Order | None:
    return Order() if number else None

# file: shop/workflows/worker.py
GROUP = "workers"
SERVED: list[object] = []
SCHEDULES: list[object] = []

# file: shop/api/orders.py
from ..db.models import Order  # want: RS116


def shown(order: Order) -> str:
    return order.number
