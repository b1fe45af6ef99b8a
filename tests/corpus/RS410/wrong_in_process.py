import asyncio
from datetime import timedelta

from resonate.connections import LocalConnection
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def crawl(ctx: Context, url: str) -> int:
    return len(url)


async def main() -> None:
    resonate = Resonate(network=LocalConnection(), group="crawler", retry_policy=Never())
    resonate.register(crawl)
    urls = ["https://a.example.com", "https://b.example.com"]
    here = resonate.options(timeout=timedelta(minutes=5))
    handles = [here.run(f"crawl/{number}", crawl, url) for number, url in enumerate(urls)]
    for handle in handles:
        await handle.result()
    done = await resonate.promises.search(  # want: RS410
        "resolved",
        None,
        len(urls),
        None,
    )
    print([promise.id for promise in done.promises])
    await resonate.stop()


if __name__ == "__main__":
    asyncio.run(main())
