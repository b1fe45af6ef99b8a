"""When the work of a call began: of a job that was started again, that is when its first run did."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from resonate.context import Context

from ..engine.client import EngineClient
from ..engine.namespace import Namespace
from ..engine.run_ids import first_run, run_number

type Began = Callable[[], Awaitable[datetime | None]]
"""Asks the engine, by whose clock it is; None where it keeps the first run no more."""

_began: ContextVar[Began | None] = ContextVar("began", default=None)


async def first_began(client: EngineClient, root: str) -> datetime | None:
    """When the first run of some work began, of which ``root`` is any run, as the service spells it."""
    first = await client.find(first_run(root))
    return None if first is None else datetime.fromtimestamp(first.created_at / 1000, UTC)


@contextmanager
def noting_retry(ctx: Context) -> Iterator[None]:
    """Let :func:`retried_work` know, in here, whether this is a call of work that was started again."""
    root = ctx.get_dependency(Namespace).local_id(ctx.info.origin_id)
    if run_number(root) == 1:
        yield
        return
    client = ctx.get_dependency(EngineClient)
    noted = _began.set(lambda: first_began(client, root))
    try:
        yield
    finally:
        _began.reset(noted)


def retried_work() -> Began | None:
    """Tells when the work of the call that runs here began; None where this is its first run."""
    return _began.get()
