from resonate.context import Context


async def invite(ctx: Context, guests: dict[str, bool], asked: list[str]) -> list[str]:
    answers: list[str] = []

    async def forget(_: Context, name: str) -> None:
        del guests[name]  # want: RS213

    for name in asked:
        await ctx.run(lambda _, it: answers.append(it.upper()), name)  # want: RS213
        await ctx.run(forget, name)
    if guests:
        await ctx.rpc("remind", list(guests))
    return sorted(answers)
