"""The step's own parameter is unused: its audit call goes to the outer context."""

from resonate.context import Context
from resonate.resonate import Resonate


async def audit(ctx: Context, what: str) -> None:
    print(what)


async def rotate_keys(ctx: Context, hosts: list[str]) -> list[str]:
    done: list[str] = []

    async def rotate(step: Context, host: str) -> str:
        ctx.detached("audit", f"rotated {host}")  # want: RS302
        return host

    for host in sorted(hosts):
        done.append(await ctx.run(rotate, host))
    return done


def wire(resonate: Resonate) -> None:
    for function in (audit, rotate_keys):
        resonate.register(function)
