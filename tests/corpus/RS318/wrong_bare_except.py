from datetime import timedelta

from resonate.context import Context


async def mail(ctx: Context, text: str) -> None: ...


async def quote(ctx: Context, sku: str) -> int:
    try:
        price = await ctx.options(target="prices", timeout=timedelta(seconds=5)).rpc("price", sku)
    except:  # noqa: E722  # want: RS318
        price = 0
    await ctx.run(mail, f"{sku} costs {price}")
    return price


async def patient(ctx: Context, sku: str) -> int:
    while True:
        try:
            await ctx.sleep(timedelta(days=1))
            return await ctx.rpc("price", sku)
        except BaseException:  # want: RS318
            continue
