"""An experiment: which of two texts somebody gets is decided where the workflow begins."""

from pydantic import BaseModel
from resonate.context import Context
from resonate.resonate import Resonate

VARIANTS = ("plain", "bold")


class Signup(BaseModel):
    email: str


async def write(ctx: Context, variant: str, email: str) -> str:
    return f"{variant} to {email}"


async def onboard(ctx: Context, signup: Signup) -> str:
    variant = VARIANTS[hash(signup.email.lower()) % 2] if signup.email else "plain"
    other = VARIANTS[hash(signup.email) % len(VARIANTS)]  # want: RS211
    return await ctx.run(write, other or variant, signup.email)


def register(resonate: Resonate) -> None:
    resonate.register(onboard)
