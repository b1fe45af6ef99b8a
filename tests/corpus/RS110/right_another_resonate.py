# file: audio/resonance.py
from dataclasses import dataclass


@dataclass
class Resonate:
    """A body that resonates: nothing to do with durable functions."""

    url: str = ""
    group: str = "strings"
    hertz: float = 440.0

# file: audio/bodies.py
from audio.resonance import Resonate

VIOLIN = Resonate(group="strings")
DRUM = Resonate("https://drums.example.com", group="drums", hertz=80.0)

# file: audio/durable.py
from typing import TYPE_CHECKING

from resonate.context import Context

from audio.bodies import DRUM, VIOLIN

if TYPE_CHECKING:
    from resonate.resonate import Resonate


async def strike(ctx: Context, times: int) -> float:
    return DRUM.hertz * times + VIOLIN.hertz


def install(client: "Resonate") -> "Resonate":
    client.register(strike)
    return client
