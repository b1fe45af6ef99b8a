from pathlib import Path

from resonate.context import Context
from resonate.resonate import Resonate

CHECKPOINTS = Path("/var/lib/migrator")


async def copy_table(ctx: Context, table: str) -> int:
    return len(table)


async def migrate(ctx: Context, name: str, tables: list[str]) -> int:
    done = CHECKPOINTS / f"{name}.txt"
    rows = 0
    for table in tables:
        if done.exists():  # want: RS205
            break
        rows += await ctx.run(copy_table, table)
    done.write_text(str(rows))  # want: RS205
    return rows


def install(client: Resonate) -> None:
    client.register(migrate, name="migrate-tables", version=3)
