"""`open`, `read_text` and `remove` of objects that are no files."""

from dataclasses import dataclass, field
from datetime import timedelta

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


@dataclass
class Account:
    owner: str
    open_items: list[str] = field(default_factory=list)

    def open(self, item: str) -> None:
        self.open_items.append(item)

    def read_text(self) -> str:
        return ", ".join(self.open_items)


async def charge(ctx: Context, owner: str, item: str) -> None:
    print(owner, item)


async def settle(ctx: Context, owner: str, items: list[str]) -> str:
    account = Account(owner)
    for item in items:
        account.open(item)
    for item in list(account.open_items):
        await ctx.run(charge, owner, item)
        account.open_items.remove(item)
        await ctx.sleep(timedelta(seconds=1))
    return account.read_text()


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="accounts", retry_policy=Constant(delay=1, max_retries=3))
    client.register(settle)
    return client
