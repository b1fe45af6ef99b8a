import asyncio

from resonate.context import Context


async def translate(ctx: Context, language: str, page: int) -> str:
    return f"{page} in {language}"


async def proofread(ctx: Context, text: str) -> str:
    return text.strip()


async def publish(ctx: Context, page: int, languages: list[str]) -> list[str]:
    async def one(language: str) -> str:
        text = await ctx.rpc("translate", language, page)
        if text:
            text = await ctx.rpc("proofread", text)
        return text

    jobs = [one(it) for it in languages]  # want: RS212
    return await asyncio.gather(*jobs)


async def through_another(ctx: Context, pages: list[int]) -> None:
    await asyncio.wait([asyncio.create_task(wrapped(ctx, it)) for it in pages])  # want: RS208, RS212


async def wrapped(ctx: Context, page: int) -> list[str]:
    return await publish_one(ctx, page)


async def publish_one(ctx: Context, page: int) -> list[str]:
    return [await ctx.run(translate, it, page) for it in ("en", "fr")]
