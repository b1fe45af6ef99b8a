from collections.abc import Awaitable, Callable, Generator
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self

from resonate.context import Context


class _Made[R](Protocol):
    def __await__(self) -> Generator[Any, None, R]: ...


class Saga:
    def __init__(self, ctx: Context, undo_within: timedelta) -> None:
        self._ctx = ctx
        self._undo_within = undo_within

    async def __aenter__(self) -> Self:
        return self

    async def do[R](self, call: _Made[R], *, undo: Callable[[], Awaitable[object]]) -> R:
        return await call

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


def saga(ctx: Context, *, undo_within: timedelta = timedelta(minutes=1)) -> Saga:
    return Saga(ctx, undo_within)
