from uuid import UUID, uuid4

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Vouchers:
    def __init__(self, client: Resonate) -> None:
        client.register(self.issue, name="vouchers.issue")

    async def issue(self, ctx: Context, customer: str, count: int) -> list[UUID]:
        codes = [await ctx.run(self.mint, customer) for _ in range(count)]
        await ctx.run(self.mail, customer, codes)
        return codes

    async def mint(self, ctx: Context, customer: str) -> UUID:
        code = uuid4()
        print("minted", code, "for", customer)
        return code

    async def mail(self, ctx: Context, customer: str, codes: list[UUID]) -> None:
        print(customer, *codes)


async def build() -> Vouchers:
    return Vouchers(Resonate(url="http://localhost:8001", group="vouchers", retry_policy=Never()))
