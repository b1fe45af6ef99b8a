"""Converts a document by two steps that share a scratch directory of the workflow's."""

import shutil
import tempfile

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Never


class Converter:
    def __init__(self, dpi: int = 300) -> None:
        self.dpi = dpi

    async def rasterise(self, ctx: Context, document: str, into: str) -> list[str]:
        return [f"{into}/{document}-{page}-{self.dpi}.png" for page in range(3)]

    async def recognise(self, ctx: Context, picture: str) -> str:
        return f"text of {picture}"

    async def convert(self, ctx: Context, document: str) -> str:
        scratch = tempfile.mkdtemp(prefix="ocr-")  # want: RS205
        pictures = await ctx.run(self.rasterise, document, scratch)
        texts = [await ctx.run(self.recognise, picture) for picture in pictures]
        shutil.rmtree(scratch)  # want: RS205
        return "\n".join(texts)


async def build() -> Resonate:
    client = Resonate(url="http://localhost:8001", group="ocr", retry_policy=Never())
    client.register(Converter().convert, name="ocr.convert")
    return client
