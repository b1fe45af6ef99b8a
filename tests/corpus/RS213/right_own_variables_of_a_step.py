from resonate.context import Context


async def summary(ctx: Context, rows: list[str]) -> list[str]:
    """What a step changes is its own."""
    found: list[str] = []
    rows = list(rows)
    rows.sort()
    for row in rows:
        found.append(row.strip())
    return found


async def report(ctx: Context, rows: list[str]) -> int:
    async def clean(_: Context) -> list[str]:
        kept: list[str] = []
        seen: dict[str, int] = {}

        def keep(row: str) -> None:
            kept.append(row)
            seen[row] = len(kept)

        for row in rows:
            keep(row)
        return kept

    lines = await ctx.run(summary, rows)
    cleaned = await ctx.run(clean)
    lines.append("end")
    return len(lines) + len(cleaned) + len(rows)
