"""The client has none, but every function that is registered does."""

import asyncio

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Exponential, Never

PATIENT = Exponential(delay=1, factor=2, max_delay=60, max_retries=12)


async def load_track(ctx: Context, track: str) -> int:
    return len(track)


async def playlist(ctx: Context, tracks: list[str]) -> int:
    calls = [ctx.rpc(load_track, track) for track in tracks]
    return sum([await call for call in calls])


async def main() -> None:
    resonate = Resonate(url="http://localhost:8001", group="tracks")
    resonate.register(load_track, retry_policy=PATIENT)
    resonate.register(playlist, name="tracks.playlist", retry_policy=Never())
    await asyncio.Event().wait()


asyncio.run(main())
