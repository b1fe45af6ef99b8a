"""A build pipeline that asks where it stands, and in which language."""

import locale
import os
from pathlib import Path

from resonate.context import Context
from resonate.resonate import Resonate


async def compile_module(ctx: Context, root: str, module: str) -> str:
    return f"{root}/build/{module}.o"


async def link(ctx: Context, objects: list[str], language: str) -> str:
    return f"{'+'.join(objects)}.{language}"


async def build_all(ctx: Context, modules: list[str]) -> str:
    root = os.getcwd()  # want: RS204
    objects = [await ctx.run(compile_module, root, module) for module in modules]
    extra = await ctx.run(compile_module, str(Path.cwd() / "vendor"), "zlib")  # want: RS204
    language = locale.getlocale()[0] or "C"  # want: RS204
    return await ctx.run(link, [*objects, extra], language)


def install(client: Resonate) -> None:
    client.register(build_all, name="build-all")
