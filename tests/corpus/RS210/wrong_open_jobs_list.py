# file: app/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


class DurableCall[R: BaseModel]:
    def __init__(self, future: ResonateFuture[Any], result: type[R]) -> None:
        self._future, self._result = future, result

    def __await__(self) -> Generator[Any, None, R]:
        return self._result.model_validate((yield from self._future.__await__()))


@dataclass(frozen=True)
class Rpc[Q: BaseModel, R: BaseModel]:
    name: str
    group: str
    request: type[Q]
    result: type[R]
    timeout: timedelta = timedelta(minutes=5)

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[..., Awaitable[Any]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]]
) -> Served:
    return Served(contract, function)
# file: app/__init__.py
# file: app/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Scan(BaseModel):
    host: str


class Scanned(BaseModel):
    host: str
    ports: list[int]


scan = Rpc(name="scan", group="workers", request=Scan, result=Scanned)
# file: app/scanning.py
from resonate.context import Context

from .contracts import Scan, Scanned

RUNNING: list[str] = []


async def scan_host(ctx: Context, request: Scan) -> Scanned:
    RUNNING.append(request.host)  # want: RS210
    ports = await ctx.run(open_ports, request.host)
    return Scanned(host=request.host, ports=ports)


async def open_ports(ctx: Context, host: str) -> list[int]:
    return [22, 443] if host else []


def running() -> list[str]:
    return list(RUNNING)
# file: app/worker.py
from . import contracts
from .rpc import Served, serve
from .scanning import scan_host

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.scan, scan_host)]
