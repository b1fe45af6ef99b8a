from collections.abc import Generator
from typing import Any

from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant

client = Resonate(
    url="http://localhost:8001",
    group="choir",
    retry_policy=Constant(delay=1, max_retries=3),
    autostart=False,
)


def sing(ctx: Context, voice: str, bars: int) -> str:
    return voice * bars


@client.register(name="choir.perform")
def perform(ctx: Context, voices: list[str]) -> Generator[Any, Any, list[str]]:
    singing = [ctx.run(sing, voice, 4) for voice in voices]
    song = []
    for part in singing:
        song.append((yield part))  # want: RS504
    return song
