"""The order service that docs/growing.md tells of: what is typed, and the lines that no tool can write.

The test of it and `docs/record_growth.py` share this, so that what is shown is what is tested.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NEW = "resonate-scaffold new orders --bare --defaults"

DB_FUNCTION = (
    "resonate-scaffold add db-function reserve-stock --takes sku:str --takes quantity:int"
    " --returns reservation_id:str --returns amount_cents:int"
)
RPC = "resonate-scaffold add rpc payments.charge --takes customer_id:str --takes amount_cents:int --returns receipt:str"
WORKFLOW = (
    "resonate-scaffold add workflow place-order --takes customer_id:str --takes number:str"
    " --takes sku:str --takes quantity:int --returns reservation_id:str --returns receipt:str"
    " --calls db.reserve_stock --calls payments.charge"
)
KEY = "resonate-scaffold add idempotency-key order --from customer_id --from number"
ROUTE = "resonate-scaffold add route POST /orders --workflow place-order --key order"
WEBHOOK = "resonate-scaffold add webhook approval --takes approved:bool --workflow place-order"
SECRET = 'sed -i "s|^WEBHOOK_SECRETS=|&$(.venv/bin/orders webhook-secret approval),|" .env'
CLOSE_DAY = "resonate-scaffold add workflow close-day"
SCHEDULE = "resonate-scaffold add schedule nightly --workflow close-day --cron '0 2 * * *'"

# What calls comes after what it calls, so that every field finds a value of its name.
ADDS = (DB_FUNCTION, RPC, WORKFLOW, KEY, ROUTE, WEBHOOK, CLOSE_DAY, SCHEDULE)

MIGRATE = ".venv/bin/orders migrate"
REVISION = ".venv/bin/alembic revision --autogenerate -m reservations"


@dataclass(frozen=True, slots=True)
class Edit:
    """A hand edit: ``old``, which stands in the file once, becomes ``new``."""

    path: str
    old: str
    new: str


TABLE = (
    Edit(
        "orders/db/models.py",
        "from sqlalchemy import MetaData\nfrom sqlalchemy.orm import DeclarativeBase\n",
        "from sqlalchemy import MetaData, String\nfrom sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n",
    ),
    Edit(
        "orders/db/models.py",
        "    type_annotation_map = EXACT_TYPES\n",
        '''    type_annotation_map = EXACT_TYPES


class Reservation(Base):
    """Stock that is set aside for an order."""

    __tablename__ = "reservations"

    id: Mapped[str] = mapped_column(String(255), primary_key=True)
    sku: Mapped[str] = mapped_column(String(255))
    quantity: Mapped[int]
''',
    ),
)

EFFECT = (
    Edit(
        "orders/db/reserve_stock.py",
        "        return ReserveStockResult(\n",
        "        session.add(Reservation(id=call_id(ctx), sku=request.sku, quantity=request.quantity))\n"
        "        return ReserveStockResult(\n",
    ),
    Edit(
        "orders/db/reserve_stock.py",
        """\
            # Examples: nothing here has these names and types.
            reservation_id="example",
            amount_cents=1,
""",
        """\
            reservation_id=call_id(ctx),
            amount_cents=PRICE_CENTS * request.quantity,
""",
    ),
    Edit(
        "orders/db/reserve_stock.py",
        "from ..runtime.durable.rpc import serve\n",
        "from ..runtime.durable.rpc import serve\nfrom .models import Reservation\n\nPRICE_CENTS = 1250\n",
    ),
)

GATE = (
    Edit(
        "orders/workflows/place_order.py",
        "    charge_result = ",
        """\
    answer = await approval.wait(ctx, timedelta(hours=24))
    if answer is None:
        raise Failure("approval: nobody answered in time")
    if not answer.approved:
        raise Failure("the order was not approved")
    charge_result = """,
    ),
    Edit(
        "orders/workflows/place_order.py",
        "from resonate.context import Context\n\n",
        "from datetime import timedelta\n\nfrom resonate.context import Context\n\n",
    ),
    Edit(
        "orders/workflows/place_order.py",
        "from ..contracts.workflows.place_order import PlaceOrder, PlaceOrderResult\n",
        "from ..contracts.workflows.approval import approval\n"
        "from ..contracts.workflows.place_order import PlaceOrder, PlaceOrderResult\n",
    ),
    Edit(
        "orders/workflows/place_order.py",
        "from ..runtime.durable.rpc import serve\n",
        "from ..runtime.durable.rpc import serve\nfrom ..runtime.errors import Failure\n",
    ),
)

# The work that the generated tests start waits for a person now, so they play that person.
TESTS = (
    Edit(
        "tests/test_workflow_place_order.py",
        "from orders.contracts.workflows.place_order import PlaceOrder, place_order\n",
        "import asyncio\n\n"
        "from orders.contracts.workflows.approval import Approval, approval\n"
        "from orders.contracts.workflows.place_order import PlaceOrder, place_order\n",
    ),
    Edit(
        "tests/test_workflow_place_order.py",
        '    result = await service.run(place_order, "place-order/test", REQUEST)\n',
        """    run = service.run(place_order, "place-order/test", REQUEST)
    result, _ = await asyncio.gather(run, service.answer(approval, "place-order/test", Approval(approved=True)))
""",
    ),
    Edit(
        "tests/test_workflow_place_order.py",
        "    crashes(place_order, REQUEST)\n",
        "    crashes(place_order, REQUEST, answers={approval: Approval(approved=True)})\n",
    ),
    Edit(
        "tests/test_route_orders.py",
        '    progress = await ended(service, answer.headers["Location"])\n',
        "    await service.answer(approval, f\"order/{taken['id']}\", Approval(approved=True))\n"
        '    progress = await ended(service, answer.headers["Location"])\n',
    ),
    Edit(
        "tests/test_route_orders.py",
        '        await ended(service, location, Authorization="Bearer secret1")\n',
        '        await service.answer(approval, location.replace("/jobs/orders/", "order/"), Approval(approved=True))\n'
        '        await ended(service, location, Authorization="Bearer secret1")\n',
    ),
    Edit(
        "tests/test_route_orders.py",
        "from orders.contracts.workflows.place_order import PlaceOrderResult\n",
        "from orders.contracts.workflows.approval import Approval, approval\n"
        "from orders.contracts.workflows.place_order import PlaceOrderResult\n",
    ),
)


def edit(service: Path, edits: Iterable[Edit]) -> None:
    """Make hand edits. A text that is not there fails: the tool writes something else by now."""
    for one in edits:
        file = service / one.path
        text = file.read_text("utf-8")
        assert one.old in text, f"{one.path} has no {one.old!r}:\n{text}"
        file.write_text(text.replace(one.old, one.new, 1), "utf-8", newline="\n")
