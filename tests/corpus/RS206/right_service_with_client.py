# file: crm/rpc.py
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
# file: crm/__init__.py
# file: crm/contracts.py
from pydantic import BaseModel

from .rpc import Rpc


class Sync(BaseModel):
    user: str


class Profile(BaseModel):
    user: str
    name: str


sync_user = Rpc(name="sync-user", group="workers", request=Sync, result=Profile)
save_profile = Rpc(name="db.save_profile", group="db", request=Profile, result=Profile)
# file: crm/directory.py
import httpx


class Directory:
    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def name_of(self, user: str) -> str:
        answer = await self._http.get(f"/people/{user}")
        return str(answer.json()["name"])
# file: crm/syncing.py
from resonate.context import Context

from .contracts import Profile, Sync, save_profile
from .directory import Directory


async def sync(ctx: Context, request: Sync) -> Profile:
    profile = await ctx.run(look_up, request.user)
    return await save_profile(ctx, profile)


async def look_up(ctx: Context, user: str) -> Profile:
    directory = ctx.get_dependency(Directory)
    return Profile(user=user, name=await directory.name_of(user))
# file: crm/worker.py
from . import contracts
from .rpc import Served, serve
from .syncing import sync

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.sync_user, sync)]
