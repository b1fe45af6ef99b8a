# file: registry/rows.py
import uuid
from dataclasses import asdict, dataclass, field

from resonate.context import Context


@dataclass
class Row:
    name: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


class Rows:
    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}

    def add(self, name: str) -> Row:
        row = Row(name=name)
        return self._rows.setdefault(name, row)


async def add_row(ctx: Context, name: str) -> dict[str, str]:
    """Served for other groups. It makes no durable call, so the id is recorded with the result."""
    return asdict(ctx.get_dependency(Rows).add(name))
# file: registry/worker.py
import asyncio

from resonate.resonate import Resonate
from resonate.retry import Exponential

from registry.rows import Rows, add_row


async def main() -> None:
    policy = Exponential(delay=1, factor=2, max_delay=30, max_retries=8)
    client = Resonate(url="http://localhost:8001", group="db", retry_policy=policy)
    client.with_dependency(Rows())
    client.register(add_row, name="db.add_row")
    await asyncio.Event().wait()
