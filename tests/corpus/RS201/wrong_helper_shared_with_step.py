# file: shop/world.py
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class World:
    """What steps read of the world; tests give another clock."""

    clock: Callable[[], float] = time.time


def now(world: World) -> float:
    return world.clock()
# file: shop/flow.py
import logging

from resonate.context import Context
from resonate.resonate import Resonate

from shop.world import World, now

logger = logging.getLogger(__name__)


async def pack(ctx: Context, order: str) -> float:
    """A step may ask for the time, so the helper is right; that the workflow asks, too, is not."""
    return now(ctx.get_dependency(World))


async def ship(ctx: Context, order: str) -> float:
    world = ctx.get_dependency(World)
    logger.info("shipping at %f", now(world))
    begun = now(world)  # want: RS201
    return await ctx.run(pack, order) - begun


def install(client: Resonate) -> None:
    client.with_dependency(World())
    client.register(ship)
