# file: app/rpc.py (shared)
# file: app/__init__.py
# file: app/contracts.py
from datetime import date

from pydantic import BaseModel

from .rpc import Rpc


class Renew(BaseModel):
    policy_id: str


class Renewed(BaseModel):
    policy_id: str
    from_day: date


class LoadPolicy(BaseModel):
    policy_id: str


class Policy(BaseModel):
    holder: str


renew = Rpc(name="renew", group="workers", request=Renew, result=Renewed)
load_policy = Rpc(name="db.load_policy", group="db", request=LoadPolicy, result=Policy)
# file: app/renewals.py
from datetime import date

from resonate.context import Context

from .contracts import LoadPolicy, Policy, Renew, Renewed, load_policy


async def renew_policy(ctx: Context, request: Renew) -> Renewed:
    policy = await load_policy(ctx, LoadPolicy(policy_id=request.policy_id))
    start = date.today()  # want: RS201
    await ctx.run(print_letter, policy, start)
    return Renewed(policy_id=request.policy_id, from_day=start)


async def print_letter(ctx: Context, policy: Policy, start: date) -> None:
    print(f"{policy.holder}: renewed from {start}")
# file: app/worker.py
from . import contracts
from .renewals import renew_policy
from .rpc import Served, serve

GROUP = "workers"

SERVED: list[Served] = [serve(contracts.renew, renew_policy)]
