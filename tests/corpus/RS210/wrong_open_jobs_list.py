# file: app/rpc.py (shared)
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
