import asyncio
import os
from datetime import timedelta
from typing import Any

from resonate.handle import ResonateHandle
from resonate.resonate import Resonate


def bar(handles: list[ResonateHandle[Any]]) -> str:
    # This process started them and hears of their ends: for a bar on a terminal that is good enough.
    return "".join("#" if handle.done() else "." for handle in handles)


async def main() -> None:
    resonate = Resonate(url=os.environ["RESONATE_URL"], group="terminal")
    render = resonate.options(target="render", timeout=timedelta(hours=3))
    handles = [render.rpc(f"film/frame-{frame}", "render_frame", frame) for frame in range(40)]
    while not all(handle.done() for handle in handles):
        print(bar(handles), end="\r")
        await asyncio.sleep(1)
    await resonate.stop()


if __name__ == "__main__":
    asyncio.run(main())
