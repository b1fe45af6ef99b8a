import asyncio
from datetime import timedelta

from fastapi import APIRouter
from pydantic import BaseModel
from resonate.resonate import Resonate


class Lease(BaseModel):
    plate: str
    days: int = 365


class Leases:
    """A router whose handlers are methods."""

    def __init__(self, resonate: Resonate) -> None:
        self.calls = resonate.options(target="leases", timeout=timedelta(days=300))
        self.router = APIRouter(prefix="/leases")
        self.router.add_api_route("", self.sign, methods=["POST"])
        self.router.add_api_route("/{plate}", self.end, methods=["DELETE"], status_code=202)

    async def sign(self, lease: Lease) -> Lease:  # want: RS404
        # What is waited for is the create, up to 300 seconds: not the lease.
        handle = self.calls.rpc(f"lease/{lease.plate}", "lease", lease.days)
        await asyncio.wait_for(handle.id(), 300)
        return lease

    async def end(self, plate: str) -> dict[str, str]:
        return {"id": await self.calls.rpc(f"end/{plate}", "end_lease", plate).id()}
