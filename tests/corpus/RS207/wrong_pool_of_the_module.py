"""The pools are made elsewhere; what the workflow hands to them is still not recorded."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never

POOL = ThreadPoolExecutor(max_workers=4)


def loudness(track: str) -> int:
    return len(track) % 10


async def master(ctx: Context, track: str, level: int) -> str:
    return f"{track} at {level}"


async def release(ctx: Context, tracks: list[str]) -> list[str]:
    peak = POOL.submit(max, map(len, tracks))  # want: RS207
    levels = ctx.get_dependency(ProcessPoolExecutor).map(loudness, tracks)  # want: RS207
    mastered = [await ctx.run(master, track, level) for track, level in zip(tracks, levels, strict=True)]
    return [*mastered, str(peak.result())]


async def build(workers: ProcessPoolExecutor) -> Resonate:
    client = Resonate(url="http://localhost:8001", group="studio", retry_policy=Never())
    client.with_dependency(workers)
    client.register(release)
    return client
