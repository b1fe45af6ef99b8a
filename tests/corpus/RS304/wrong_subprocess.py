"""Podcast audio: the encoder runs in the event loop's own thread."""

import subprocess
from subprocess import run as execute

from resonate.context import Context
from resonate.resonate import Resonate


class Encoder:
    def __init__(self, resonate: Resonate, binary: str = "ffmpeg") -> None:
        self.binary = binary
        resonate.register(self.encode, name="audio.encode")
        resonate.register(self.episode, name="audio.episode")

    async def encode(self, ctx: Context, source: str, target: str) -> str:
        subprocess.run([self.binary, "-i", source, target], check=True)  # want: RS304
        return target

    async def length(self, ctx: Context, target: str) -> float:
        shown = execute(["soxi", "-D", target], capture_output=True, text=True, check=True)  # want: RS304
        return float(shown.stdout)

    async def episode(self, ctx: Context, source: str) -> float:
        encoded = await ctx.run(self.encode, source, f"{source}.mp3")
        return await ctx.run(self.length, encoded)
