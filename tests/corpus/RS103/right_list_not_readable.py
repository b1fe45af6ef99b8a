# file: forms/__init__.py
# file: forms/rpc.py
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from resonate.context import Context, ResonateFuture


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

    def __call__(self, ctx: Context, request: Q) -> DurableCall[R]:
        options = ctx.options(target=self.group, timeout=self.timeout, version=self.version)
        return DurableCall(options.rpc(self.name, request.model_dump(mode="json")), self.result)


@dataclass(frozen=True, slots=True)
class Served:
    contract: Rpc[Any, Any]
    function: Callable[[Context, dict[str, Any]], Awaitable[dict[str, Any]]]


def serve[Q: BaseModel, R: BaseModel](
    contract: Rpc[Q, R], function: Callable[[Context, Q], Awaitable[R]], *, retries: int = 0
) -> Served:
    async def run(ctx: Context, request: dict[str, Any]) -> dict[str, Any]:
        result = await function(ctx, contract.request.model_validate(request))
        return result.model_dump(mode="json")

    return Served(contract, run)

# file: forms/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Form(BaseModel):
    number: int


class Checked(BaseModel):
    ok: bool


check = Rpc(name="check", group="workers", request=Form, result=Checked)
stamp = Rpc(name="stamp", group="workers", request=Form, result=Checked)
archive = Rpc(name="archive", group="workers", request=Form, result=Checked)
# file: forms/workflows/__init__.py
# file: forms/workflows/found.py
import pkgutil
from importlib import import_module

from ..rpc import Served


def found(package: str) -> list[Served]:
    """What each module of a package serves: its own `SERVES`."""
    modules = pkgutil.iter_modules(import_module(package).__path__)
    return [entry for module in modules for entry in import_module(f"{package}.{module.name}").SERVES]
# file: forms/workflows/worker.py
from resonate.context import Context

from .. import contracts
from ..rpc import Served, serve
from .found import found

GROUP = "workers"


async def check_form(ctx: Context, form: contracts.Form) -> contracts.Checked:
    return contracts.Checked(ok=form.number > 0)


SERVED: list[Served] = [serve(contracts.check, check_form), *found("forms.desks")]
