from datetime import timedelta

from fastapi import APIRouter, Request
from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never
from resonate.types import Value

router = APIRouter()


async def pick(ctx: Context, crate: str) -> str:
    return f"picked {crate}"


def local() -> Resonate:
    resonate = Resonate(network=LocalConnection(), group="picking", retry_policy=Never())
    resonate.register(pick)
    return resonate


async def expire(resonate: Resonate, crate: str) -> None:
    """What the janitor calls, which no request reaches."""
    await resonate.promises.cancel(f"crate/{crate}", Value(data="expired"))


@router.get("/crates/{crate}")
async def crate_state(crate: str, request: Request) -> dict[str, str]:
    record = await request.app.state.resonate.promises.get(f"crate/{crate}")
    return {"state": record.state}


@router.post("/crates/{crate}/pick", status_code=202)
async def start(crate: str, request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    here = resonate.options(target="picking", timeout=timedelta(minutes=30))
    return {"id": await here.rpc(f"crate/{crate}", "pick", crate).id()}
