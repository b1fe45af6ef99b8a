import asyncio
import os
from datetime import UTC, datetime, timedelta

from resonate.resonate import Resonate


async def snapshot(resonate: Resonate, bucket: str) -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    backups = resonate.options(target="backups", timeout=timedelta(hours=12))
    handle = backups.rpc(f"snapshot/{bucket}/" + now.replace(":", ""), "take_snapshot", bucket, f"at:{now}")
    return await handle.id()


async def main() -> None:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="operators")
    print(await snapshot(resonate, "invoices"))
    await resonate.stop()


if __name__ == "__main__":
    asyncio.run(main())
