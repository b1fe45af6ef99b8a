"""All readings are stored at the same time, and the workflow ends with whatever became of them."""

from resonate.context import Context
from resonate.resonate import Resonate


async def store(ctx: Context, meter: str, value: float) -> None:
    print(meter, value)


async def forward(ctx: Context, meter: str) -> None:
    print("forwarded", meter)


async def collect(ctx: Context, readings: dict[str, float]) -> int:
    [ctx.run(store, meter, value) for meter, value in readings.items()]  # want: RS305
    for meter in readings:
        ctx.rpc(forward, meter)  # want: RS305
    return len(readings)


def register(resonate: Resonate) -> None:
    resonate.register(forward)
    resonate.register(collect)
