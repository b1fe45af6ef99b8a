import asyncio

import httpx
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


async def store_profile(ctx: Context, user: str, profile: dict[str, str]) -> None:
    print(user, profile)


async def sync_users(ctx: Context, users: list[str]) -> int:
    http = ctx.get_dependency(httpx.AsyncClient)
    for user in users:
        answer = await http.get(f"/users/{user}")  # want: RS206
        await ctx.run(store_profile, user, answer.json())
    return len(users)


async def main() -> None:
    async with httpx.AsyncClient(base_url="https://crm.example") as http:
        client = Resonate(url="http://localhost:8001", group="crm", retry_policy=Never())
        client.with_dependency(http)
        client.register(sync_users)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
