# file: tenancy.py
from dataclasses import dataclass

from fastapi import Header


@dataclass(frozen=True)
class Context:
    tenant: str


def tenant_context(x_tenant: str = Header()) -> Context:
    return Context(tenant=x_tenant)


# file: routes.py
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from resonate.resonate import Resonate

from tenancy import Context, tenant_context

router = APIRouter()


@router.post("/tenants/export", status_code=202)
async def export(ctx: Annotated[Context, Depends(tenant_context)], request: Request) -> dict[str, str]:
    resonate: Resonate = request.app.state.resonate
    exports = resonate.options(target="exports", timeout=timedelta(hours=3))
    handle = exports.rpc(f"export/{ctx.tenant}", "export_tenant", ctx.tenant)
    return {"id": await handle.id()}
