import asyncio
import os

from resonate.error import ServerError
from resonate.resonate import Resonate


async def states(resonate: Resonate, months: range) -> dict[str, str]:
    """The ids follow from what they stand for, so nothing has to be searched."""
    found: dict[str, str] = {}
    for month in months:
        id = f"close/2026-{month:02d}"
        try:
            found[id] = (await resonate.promises.get(id)).state
        except ServerError as error:
            if error.code != 404:
                raise
    return found


async def main() -> None:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="reports")
    print(await states(resonate, range(1, 13)))
    await resonate.stop()


if __name__ == "__main__":
    asyncio.run(main())
