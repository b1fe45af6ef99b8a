"""Telemetry of greenhouses: a workflow that tells others over RabbitMQ."""

import json

from aio_pika import Message, RobustExchange
from resonate.context import Context
from resonate.resonate import Resonate


async def read_sensor(ctx: Context, house: str) -> float:
    return 21.5


async def ventilate(ctx: Context, house: str) -> bool:
    exchange = ctx.get_dependency(RobustExchange)
    celsius = await ctx.run(read_sensor, house)
    if celsius < 28:
        return False
    body = json.dumps({"house": house, "celsius": celsius}).encode()
    await exchange.publish(Message(body), routing_key=f"vents.{house}")  # want: RS301
    return True


def register(resonate: Resonate) -> None:
    resonate.register(ventilate)
