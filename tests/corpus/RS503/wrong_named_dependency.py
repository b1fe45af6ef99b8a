from resonate.context import Context
from resonate.resonate import Resonate


class Mailer:
    def send(self, to: str, text: str) -> None:
        print(to, text)


async def greet(ctx: Context, to: str) -> None:
    mailer: Mailer = ctx.get_dependency("mailer")  # want: RS503
    mailer.send(to, "hello")


async def farewell(ctx: Context, to: str) -> None:
    ctx.deps.get("mailer").send(to, "good bye")  # want: RS503


async def visit(ctx: Context, guest: str) -> None:
    await ctx.run(greet, guest)
    await ctx.run(farewell, guest)


def install(client: Resonate) -> None:
    client.with_dependency(Mailer())
    client.register(visit)
