# file: farm/container.py
from typing import Any


class Container:
    """A container of our own: it finds what is provided by any of its bases."""

    def __init__(self) -> None:
        self._kept: list[Any] = []

    def with_dependency(self, value: Any) -> "Container":
        self._kept.append(value)
        return self

    def get_dependency[T](self, kind: type[T]) -> T:
        return next(value for value in self._kept if isinstance(value, kind))

# file: farm/main.py
import asyncio
import os
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from farm.container import Container


class Pump:
    litres = 10


class SolarPump(Pump):
    litres = 6


class Barn:
    pass


class Stable(Barn):
    pass


async def water(ctx: Context, field: int) -> int:
    container = ctx.get_dependency(Container)
    engine = ctx.get_dependency(AsyncEngine)
    return container.get_dependency(Pump).litres * field + len(engine.url.render_as_string())


def barn_of(site: str) -> Any:
    return Barn() if site == "north" else Stable()


async def shelter(ctx: Context, herd: int) -> str:
    return f"{herd} in {type(ctx.get_dependency(Barn)).__name__}"


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="farm", retry_policy=Never())
    client.with_dependency(Container().with_dependency(SolarPump()))
    client.with_dependency(create_async_engine(os.environ["DATABASE_URL"]))
    client.with_dependency(barn_of("north"))
    client.register(water)
    client.register(shelter)
    await asyncio.Event().wait()
