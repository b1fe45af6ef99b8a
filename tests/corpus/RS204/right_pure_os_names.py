"""Of `os`, `sys` and `locale` only what computes; and an `environ` that is the workflow's own."""

import os.path
import sys
from collections.abc import Mapping

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


def expanded(template: str, environ: Mapping[str, str]) -> str:
    for name, value in environ.items():
        template = template.replace(f"${{{name}}}", value)
    return template + environ.get("SUFFIX", "")


async def deploy(ctx: Context, image: str, path: str) -> str:
    return f"{image} at {path}"


async def release(ctx: Context, image: str, environ: dict[str, str]) -> str:
    path = os.path.join("/srv", os.path.basename(image), os.sep)
    if len(image) > sys.maxsize:
        raise ValueError("too long")
    return await ctx.run(deploy, expanded(image, environ), path)


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="deploys", retry_policy=Constant(delay=3, max_retries=3))
    client.register(release)
    return client
