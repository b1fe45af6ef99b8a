"""The blocking call stands in what an async function calls: a method, a context manager, a helper that is async too."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from resonate.context import Context
from resonate.resonate import Resonate


@contextmanager
def turn_of(printer: str) -> Iterator[str]:
    time.sleep(1)  # want: RS304
    yield printer


class Spooler:
    def __init__(self) -> None:
        self.http = requests.Session()

    async def status(self, printer: str) -> str:
        return self.http.get(f"https://{printer}.internal/status", timeout=5).text  # want: RS304


async def print_page(ctx: Context, printer: str, page: str) -> str:
    with turn_of(printer):
        return f"{page}: {await Spooler().status(printer)}"


async def print_book(ctx: Context, printer: str, pages: list[str]) -> list[str]:
    return [await ctx.run(print_page, printer, page) for page in pages]


def register(resonate: Resonate) -> None:
    resonate.register(print_book)
