import asyncio
import os

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Linear

type = "referee"
match, case, _ = "final", "appeal", 0


async def decide(ctx: Context, event: dict[str, str]) -> str:
    match = event.get("match", "")
    match event:
        case {"kind": "goal", "team": team}:
            return f"{match}: {team}"
        case {"kind": "card"} if (type := event.get("colour")):
            return f"{match}: {type}"
        case _:
            return match


async def main() -> None:
    client = Resonate(url=os.environ["RESONATE_URL"], group="referees", retry_policy=Linear(delay=1, max_retries=4))
    client.register(decide); print(type, match, case)
    await asyncio.Event().wait()


if __name__ == "__main__": asyncio.run(main())
