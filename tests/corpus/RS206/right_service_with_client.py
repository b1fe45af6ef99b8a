# file: crm/rpc.py (shared)
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
