# file: ferry/runtime/durable/rpc.py (shared)
# file: ferry/runtime/engine/client.py (shared)
# file: ferry/contracts/workflows/sail.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Sail(BaseModel):
    ship: str


class Sailed(BaseModel):
    hour: int


sail = Rpc(name="sail", group="workers", request=Sail, result=Sailed)
log_hour = Rpc(name="db.log_hour", group="db", request=Sail, result=Sailed)
# file: ferry/db/log_hour.py
from datetime import UTC, datetime

from resonate.context import Context

from ..contracts.workflows.sail import Sail, Sailed, log_hour as contract
from ..runtime.durable.rpc import serve


@serve(contract, retries=6)
async def log_hour(ctx: Context, request: Sail) -> Sailed:
    """It makes no durable call: what it reads is recorded with its result."""
    return Sailed(hour=datetime.now(UTC).hour)
# file: ferry/db/worker.py
from ..runtime.durable.rpc import Registration
from .log_hour import log_hour

GROUP = "db"

SERVED: list[Registration] = [log_hour]
# file: ferry/workflows/sail.py
from resonate.context import Context

from ..contracts.workflows import sail as contract
from ..contracts.workflows.sail import Sail, Sailed
from ..runtime.durable.rpc import serve


@serve(contract.sail)
async def sail(ctx: Context, request: Sail) -> Sailed:
    return await contract.log_hour(ctx, request)
# file: ferry/workflows/worker.py
from ..runtime.durable.rpc import Registration
from .sail import sail

GROUP = "workers"

SERVED: list[Registration] = [sail]
