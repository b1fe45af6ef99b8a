"""Nested functions that the workflow calls itself: they are part of it, and its context is theirs."""

from datetime import timedelta

from resonate.context import Context


async def send_sms(ctx: Context, number: str, text: str) -> bool:
    return bool(number and text)


async def call_out(ctx: Context, numbers: list[str], text: str) -> int:
    async def patiently(number: str) -> bool:
        for minutes in (1, 5, 15):
            if await ctx.run(send_sms, number, text):
                return True
            await ctx.sleep(timedelta(minutes=minutes))
        return False

    async def in_turn() -> int:
        return sum([await patiently(number) for number in numbers])

    return await in_turn()
