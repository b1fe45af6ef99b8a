from datetime import timedelta

from resonate.context import Context

DEPTH = ((((((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))))))
SIGN = -+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+DEPTH
PATH = {"a": [{"b": [{"c": [{"d": [{"e": [{"f": [{"g": [{"h": [{"i": [{"j": [()]}]}]}]}]}]}]}]}]}]}


async def dig(ctx: Context, depth: int) -> int:
    if depth > 0:
        if depth > 1:
            if depth > 2:
                if depth > 3:
                    if depth > 4:
                        if depth > 5:
                            if depth > 6:
                                if depth > 7:
                                    return 8 * SIGN
    return depth


async def tunnel(ctx: Context, metres: int) -> int:
    dug = await \
        ctx \
        .options(timeout=timedelta(hours=1)) \
        .run(
            dig,
            (
                metres
            ),
        )
    return dug
