"""Builds an image: the version comes from git, which the workflow runs itself."""

import subprocess

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


def revision(directory: str) -> str:
    shown = subprocess.run(  # want: RS207
        ["git", "rev-parse", "HEAD"], cwd=directory, capture_output=True, text=True, check=True
    )
    return shown.stdout.strip()


async def build_image(ctx: Context, directory: str, tag: str) -> str:
    return f"{directory}:{tag}"


async def push(ctx: Context, image: str) -> None:
    print("pushed", image)


async def release(ctx: Context, directory: str) -> str:
    image = await ctx.run(build_image, directory, revision(directory))
    await ctx.run(push, image)
    return image


async def start() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="builds", retry_policy=Constant(delay=5, max_retries=3))
    client.register(release, name="builds.release")
    return client
