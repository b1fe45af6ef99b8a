from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


class Cleaner:
    """A step may go through a set; and a step may be given one as it is."""

    async def find_orphans(self, ctx: Context, owners: list[str]) -> list[str]:
        return [f"orphan-of-{owner}" for owner in set(owners)]

    async def delete_all(self, ctx: Context, names: set[str]) -> int:
        for name in names:
            print("deleted", name)
        return len(names)

    async def clean(self, ctx: Context, owners: list[str], spare: str) -> int:
        orphans = await ctx.run(self.find_orphans, owners)
        doomed = set(orphans) - {spare}
        for orphan in orphans:
            if orphan in doomed:
                print("about to delete", orphan)
        return await ctx.run(self.delete_all, doomed)


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="cleaning", retry_policy=Constant(delay=1, max_retries=3))
    client.register(Cleaner().clean, name="cleaner.clean")
    return client
