# file: press/runtime/durable/rpc.py (shared)
# file: press/runtime/engine/client.py (shared)
# file: press/contracts/db/store_page.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Page(BaseModel):
    number: int


store_page = Rpc(name="db.store_page", group="db", request=Page, result=Page)
# file: press/contracts/workflows/print_book.py
from ...runtime.durable.rpc import Rpc
from ..db.store_page import Page

print_book = Rpc(name="print-book", group="workers", request=Page, result=Page)
# file: press/pages/store_page.py
from resonate.context import Context

from ..contracts.db import store_page as contract
from ..contracts.db.store_page import Page
from ..runtime.durable.rpc import serve


@serve(contract.store_page, retries=6)
async def store_page(ctx: Context, page: Page) -> Page:
    return page
# file: press/pages/worker.py
from ..runtime.durable.rpc import Registration

GROUP = "db"

SERVED: list[Registration] = []
# file: press/workflows/print_book.py
from resonate.context import Context

from ..contracts.db.store_page import Page, store_page
from ..contracts.workflows import print_book as contract
from ..runtime.durable.rpc import serve


@serve(contract.print_book)
async def print_book(ctx: Context, page: Page) -> Page:
    return await store_page(ctx, page)
# file: press/workflows/worker.py
from ..pages.store_page import store_page
from ..runtime.durable.rpc import Registration
from .print_book import print_book

GROUP = "workers"

SERVED: list[Registration] = [
    print_book,
    store_page,  # want: RS105
]
