# file: press/runtime/durable/rpc.py (shared)
# file: press/runtime/engine/client.py (shared)
# file: press/contracts/everything.py
from pydantic import BaseModel

from ..runtime.durable.rpc import Rpc


class Page(BaseModel):
    number: int


store_page = Rpc(name="db.store_page", group="db", request=Page, result=Page)
print_book = Rpc(name="print-book", group="workers", request=Page, result=Page)
bind_book = Rpc(name="binders.bind", group="binders.workers", request=Page, result=Page)
# file: press/db/worker.py
from resonate.context import Context

from ..contracts import everything as contracts
from ..contracts.everything import Page
from ..runtime.durable.rpc import Registration, serve

GROUP = "db"


@serve(contracts.store_page, retries=6)
async def store_page(ctx: Context, page: Page) -> Page:
    return page


SERVED: list[Registration] = [store_page]
# file: press/workflows/print_book.py
from resonate.context import Context

from ..contracts import everything as contracts
from ..contracts.everything import Page
from ..runtime.durable.rpc import serve


@serve(contracts.print_book)
async def print_book(ctx: Context, page: Page) -> Page:
    await contracts.bind_book(ctx, page)
    return await contracts.store_page(ctx, page)
# file: press/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .print_book import print_book

GROUP = "workers"

SERVED: list[Registration] = [print_book]
# file: press/fakes/worker.py
"""Stand-ins for what other teams serve."""

from resonate.context import Context

from ..contracts import everything as contracts
from ..contracts.everything import Page
from ..runtime.durable.rpc import Registration, serve


@serve(contracts.bind_book)
async def bind_book(ctx: Context, page: Page) -> Page:
    return page


SERVED: list[Registration] = [bind_book]
# file: press/dev.py
"""All of it in one process."""

from .db import worker as db
from .fakes import worker as fakes
from .workflows import worker as workers

GROUP = "dev"
SERVED = [*workers.SERVED, *db.SERVED, *fakes.SERVED]
