"""Reaches for the client through the package itself."""

import asyncio

import resonate
import resonate.context
import resonate.retry


async def brew(ctx: resonate.context.Context, beans: str) -> str:
    return f"a cup of {beans}"


async def main() -> None:
    policy = resonate.retry.Never()
    client = resonate.Resonate(url="http://localhost:8001", group="coffee", retry_policy=policy)  # want: RS501
    client.register(brew)
    handle = client.rpc("brew/1", "brew", "arabica")
    print(await handle.result())


if __name__ == "__main__":
    asyncio.run(main())
