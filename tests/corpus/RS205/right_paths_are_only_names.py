import os.path
from io import BytesIO, StringIO
from pathlib import Path, PurePosixPath

from resonate.context import Context
from resonate.resonate import Resonate

ROOT = PurePosixPath("/exports")


async def upload(ctx: Context, key: str, body: str) -> None:
    print(key, len(body))


async def export(ctx: Context, account: str, rows: list[list[str]]) -> str:
    """Paths are joined and taken apart, and the file is one in memory."""
    name = os.path.splitext(os.path.basename(account))[0]
    key = ROOT / name / "rows.csv"
    sheet = StringIO()
    for row in rows:
        sheet.write(";".join(row) + "\n")
    size = BytesIO(sheet.getvalue().encode()).getbuffer().nbytes
    if Path(account).suffix == ".test" or size == 0:
        return str(key.parent)
    await ctx.run(upload, str(key), sheet.getvalue())
    return key.as_posix()


def install(client: Resonate) -> None:
    client.register(export)
