import os

import numpy as np
from resonate.context import Context
from resonate.resonate import Resonate
from resonate.retry import Constant


def pick_shards(count: int) -> list[int]:
    return [int(shard) for shard in np.random.randint(0, 64, size=count)]  # want: RS202


async def train_shard(ctx: Context, shard: int, salt: str) -> float:
    return shard / 64 + len(salt)


async def train(ctx: Context, rounds: int) -> float:
    salt = os.urandom(8).hex()  # want: RS202
    losses = [ctx.run(train_shard, shard, salt) for shard in pick_shards(rounds)]
    return sum([await loss for loss in losses])


async def build(url: str) -> Resonate:
    client = Resonate(url=url, group="training", retry_policy=Constant(delay=5, max_retries=4))
    client.register(train)
    return client
