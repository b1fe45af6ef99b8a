# file: access/revoking.py
from resonate.context import Context


class Revoker:
    """Takes rights back; the helper gets the workflow's context."""

    async def revoke(self, ctx: Context, user: str, right: str) -> None:
        print(user, right)

    async def _revoke_all(self, ctx: Context, user: str, rights: frozenset[str]) -> None:
        for right in rights:  # want: RS209
            await ctx.run(self.revoke, user, right)

    async def offboard(self, ctx: Context, user: str, rights: set[str], keep: set[str]) -> int:
        gone = rights.difference(keep)
        await self._revoke_all(ctx, user, frozenset(gone))
        return len(gone)
# file: access/worker.py
from resonate.resonate import Resonate
from resonate.retry import Constant

from access.revoking import Revoker


async def build(url: str) -> Resonate:
    client = Resonate(url=url, group="access", retry_policy=Constant(delay=2, max_retries=5))
    client.register(Revoker().offboard, name="access.offboard")
    return client
