from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture
from resonate.types import PromiseRecord, TaskData

from ..engine.client import EngineClient
from ..errors import Failure


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future = future
        self._result = result

    def __await__(self) -> Generator[Any, None, R]:
        value = yield from self._future.__await__()
        return self._result.model_validate(value)


@dataclass(frozen=True, slots=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)
    version: int = 1
    raises: tuple[type[Failure], ...] = ()

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout, version=self.version)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)

    async def start(
        self, client: EngineClient, promise_id: str, request: Q, *, timeout: timedelta | None = None
    ) -> PromiseRecord:
        return await client.start(self.task(request), self.group, promise_id, timeout or self.timeout)

    def task(self, request: Q) -> TaskData:
        return TaskData(func=self.name, args=(request.model_dump(mode="json"),), version=self.version)


@dataclass(frozen=True, slots=True, eq=False)
class Registration[Q: BaseModel, R: BaseModel]:
    contract: Rpc[Q, R]
    function: Callable[[Context, Q], Awaitable[R]]
    run: Callable[..., Awaitable[Any]]
    retries: int

    def __call__(self, ctx: Context, request: Q) -> Awaitable[R]:
        return self.function(ctx, request)


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], *, retries: int = 0
) -> Callable[[Callable[[Context, Q], Awaitable[R]]], Registration[Q, R]]:
    def register(function: Callable[[Context, Q], Awaitable[R]]) -> Registration[Q, R]:
        async def run(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
            result = await function(ctx, contract.request.model_validate(request))
            return result.model_dump(mode="json")

        return Registration(contract, function, run, retries)

    return register
