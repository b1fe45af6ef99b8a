import asyncio
import time
from datetime import timedelta

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant

CARRIER = "https://carrier.example/api"


async def shipment_state(ctx: Context, shipment: str) -> str:
    async with httpx.AsyncClient(base_url=CARRIER) as http:
        answer = await http.get(f"/shipments/{shipment}")
        return str(answer.json()["state"])


async def track(ctx: Context, shipment: str, patience_seconds: int = 3600) -> str:
    deadline = time.monotonic() + patience_seconds  # want: RS201
    state = "unknown"
    while time.monotonic() < deadline:  # want: RS201
        state = await ctx.run(shipment_state, shipment)
        if state == "delivered":
            break
        await ctx.sleep(timedelta(seconds=30))
    return state


async def main() -> None:
    client = Resonate(
        url="http://localhost:8001", group="tracking", retry_policy=Constant(delay=2, max_retries=5)
    )
    client.register(track, name="track-shipment")
    await asyncio.Event().wait()


asyncio.run(main())
