from datetime import timedelta
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel
from resonate.types import PromiseRecord

from ..durable.rpc import Rpc
from ..engine.client import EngineClient


async def start[Q: BaseModel](
    client: EngineClient, contract: Rpc[Q, Any], root_id: str, request: Q, *, timeout: timedelta | None = None
) -> PromiseRecord:
    return await contract.start(client, root_id, request, timeout=timeout)


async def poll(client: EngineClient, root_id: str, request: Request, response: Response) -> PromiseRecord:
    return await client.find(root_id)
