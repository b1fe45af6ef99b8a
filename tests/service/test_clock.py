"""`durable.clock`: the time and new uuids come from a dependency that tests can replace."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel
from resonate.context import Context
from shop.runtime.durable import clock
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.testing.crashes import Crashes
from shop.runtime.testing.lives import NOW
from shop.runtime.testing.running import StartService


class Nothing(BaseModel):
    """A request without content."""


class Read(BaseModel):
    now: AwareDatetime
    uuids: list[UUID]


read = Rpc(name="read", group="workers", request=Nothing, result=Read)


async def read_in_step(ctx: Context) -> Read:
    return Read(now=clock.now(ctx), uuids=[clock.new_uuid(ctx), clock.new_uuid(ctx)])


@serve(read)
async def read_clock(ctx: Context, request: Nothing) -> Read:
    return await ctx.run(read_in_step)


async def test_the_time_and_new_uuids(start_service: StartService) -> None:
    before = datetime.now(UTC)
    async with start_service([read_clock]) as service:
        found = await service.run(read, "job/1", Nothing())
    assert before <= found.now <= before + timedelta(seconds=10)
    assert found.now.utcoffset() == timedelta(0)
    assert len(set(found.uuids)) == 2 and {it.version for it in found.uuids} == {4}


def test_a_test_sees_the_same_each_time(crashes: Crashes) -> None:
    outcomes = [crashes.run(read, Nothing(), served=[read_clock]).outcome for _ in range(2)]
    assert outcomes[0] == outcomes[1]
    found = Read.model_validate(outcomes[0].result)
    assert found.now == NOW and len(set(found.uuids)) == 2
