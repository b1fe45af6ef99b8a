"""Written for 0.6 from top to bottom."""

from resonate import Context, Resonate  # want: RS501

resonate = Resonate.local()  # want: RS502


def bake(ctx: Context, loaf: str) -> str:
    return f"{loaf}, baked"


@resonate.register
def breakfast(ctx: Context, guests: int) -> list[str]:
    loaves = []
    oven = yield ctx.lfi(bake, "rye")  # want: RS503, RS504
    for guest in range(guests):
        loaves.append((yield ctx.lfc(bake, f"roll {guest}")))  # want: RS503
    yield ctx.rfc("set_table", guests)  # want: RS503
    coffee = yield ctx.rfi("brew", guests)  # want: RS503
    loaves.append((yield oven))
    loaves.append((yield coffee))
    return loaves
