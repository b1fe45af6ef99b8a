from uuid import uuid1, uuid4 as fresh

from resonate.context import Context
from resonate.resonate import Resonate


async def import_chunk(ctx: Context, chunk_id: str, rows: list[str]) -> int:
    return len(rows)


async def import_file(ctx: Context, rows: list[str], size: int) -> dict[str, int]:
    batch = uuid1().hex  # want: RS203
    chunks = [rows[start : start + size] for start in range(0, len(rows), size)]
    calls = {f"{batch}-{fresh()}": chunk for chunk in chunks}  # want: RS203
    counts: dict[str, int] = {}
    for chunk_id, chunk in calls.items():
        counts[chunk_id] = await ctx.run(import_chunk, chunk_id, chunk)
    return counts


def install(client: Resonate) -> None:
    client.register(import_file, name="import-file", version=2)
