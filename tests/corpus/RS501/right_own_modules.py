# file: cinema/resonate.py
from resonate.resonate import Resonate
from resonate.retry import Never


def connect(url: str) -> Resonate:
    return Resonate(url=url, group="cinema", retry_policy=Never())
# file: cinema/__init__.py
# file: cinema/stores.py
class LocalStore:
    def __init__(self) -> None:
        self.films: dict[str, int] = {}
# file: cinema/worker.py
import asyncio

from resonate.context import Context

from .resonate import connect
from .stores import LocalStore


async def seats(ctx: Context, film: str) -> int:
    return ctx.get_dependency(LocalStore).films.get(film, 0)


async def main() -> None:
    client = connect("http://localhost:8001")
    client.with_dependency(LocalStore())
    client.register(seats)
    await asyncio.Event().wait()
