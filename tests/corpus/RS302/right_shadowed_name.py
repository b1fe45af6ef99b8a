"""Both contexts are called ctx; the inner parameter hides the outer one."""

from resonate.context import Context


async def fetch_page(ctx: Context, url: str) -> str:
    return f"<html>{url}</html>"


async def crawl(ctx: Context, sites: list[str]) -> dict[str, int]:
    async def site(ctx: Context, root: str) -> int:
        pages = [ctx.run(fetch_page, f"{root}/{number}") for number in range(3)]
        return sum([len(await page) for page in pages])

    sizes = [(root, ctx.run(site, root)) for root in sites]
    return {root: await size for root, size in sizes}
