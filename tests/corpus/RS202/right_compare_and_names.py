"""Functions of `secrets` and `random` that draw nothing, and names that only look like them."""

import hmac
import secrets
from dataclasses import dataclass

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


@dataclass(frozen=True)
class Policy:
    random: bool = False

    def choice(self, options: list[str]) -> str:
        return options[-1] if self.random else options[0]


async def fetch_code(ctx: Context, order: str) -> str:
    return f"code-{order}"


async def release(ctx: Context, order: str, code: str, carriers: list[str]) -> str | None:
    expected = await ctx.run(fetch_code, order)
    if not secrets.compare_digest(code, expected) or not hmac.compare_digest(code, expected):
        return None
    return Policy().choice(carriers)


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="depot", retry_policy=Never())
    client.register(release)
    return client
