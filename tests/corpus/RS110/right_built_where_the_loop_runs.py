import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from fastapi import FastAPI
from resonate.resonate import Resonate


@lru_cache(maxsize=1)
def client() -> Resonate:
    """The process's client; first asked for from a coroutine."""
    return Resonate(url=os.environ["RESONATE_URL"], group="api")


MAKE: Callable[[], Resonate] = lambda: Resonate(group="tests")  # noqa: E731


@dataclass
class Desk:
    local: Resonate = field(default_factory=lambda: Resonate(group="desk"))

    @cached_property
    def remote(self) -> Resonate:
        return Resonate(url=os.environ["RESONATE_URL"], group="desk")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.resonate = Resonate(url=os.environ["RESONATE_URL"], group="api")
    yield
    await app.state.resonate.stop()


app = FastAPI(lifespan=lifespan)


async def main() -> None:
    for made in (client(), MAKE(), Desk().local, Desk().remote):
        await made.stop()


if __name__ == "__main__":
    asyncio.run(main())
