"""`durable.fan_out`: many calls at once, in order, at a cost that grows with their number and no faster."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import BaseModel
from resonate.context import Context
from shop.runtime.durable.fan_out import fan_out
from shop.runtime.durable.rpc import Registration, Rpc, serve
from shop.runtime.errors import Failure
from shop.runtime.testing.crashes import Crashes
from shop.runtime.testing.running import RunningService, StartService

from .counting import counting

pytestmark = pytest.mark.usefixtures("no_settings")


class Numbers(BaseModel):
    """So many calls, so many of them at a time."""

    count: int
    in_flight: int = 50


class Doubled(BaseModel):
    """The results, in the order of the calls."""

    numbers: list[int]


class Number(BaseModel):
    """A number."""

    number: int


class OddNumber(Failure):
    """This one cannot be doubled."""

    number: int

    def __init__(self, number: int) -> None:
        super().__init__(f"{number} is odd")
        self.number = number


double = Rpc(name="double", group="db", request=Number, result=Number, raises=(OddNumber,))
double_all = Rpc(name="double-all", group="workers", request=Numbers, result=Doubled)


@serve(double_all)
async def run_double_all(ctx: Context, request: Numbers) -> Doubled:
    """Double the numbers from 0 on."""
    requests = [Number(number=number) for number in range(request.count)]
    found = await fan_out(ctx, double, requests, in_flight=request.in_flight)
    return Doubled(numbers=[one.number for one in found])


class Doubling:
    """The function that is called: some calls take longer than others; notes how many there are at a time."""

    def __init__(self, *, slowest: float = 0.0, odd: int | None = None) -> None:
        self.slowest = slowest
        self.odd = odd
        self.done: list[int] = []
        self.active = 0
        self.most = 0

    @property
    def served(self) -> list[Registration]:
        """What a service serves."""

        @serve(double)
        async def run(ctx: Context, request: Number) -> Number:
            self.active += 1
            self.most = max(self.most, self.active)
            await asyncio.sleep(request.number * 7 % 10 / 10 * self.slowest)
            self.active -= 1
            if request.number == self.odd:
                raise OddNumber(request.number)
            self.done.append(request.number)
            return Number(number=2 * request.number)

        return [run, run_double_all]


async def run(service: RunningService, name: str, count: int, in_flight: int = 50) -> list[int]:
    """The results of so many calls."""
    found = await service.run(double_all, name, Numbers(count=count, in_flight=in_flight))
    return found.numbers


@pytest.mark.parametrize("slowest", [0, 0.05])
async def test_a_call_costs_the_same_among_many_as_among_few(start_service: StartService, slowest: float) -> None:
    doubling = Doubling(slowest=slowest)
    costs = {}
    async with start_service(doubling.served) as service:
        for count in (50, 200):
            with counting(service.client) as asked:
                assert await run(service, f"job/{count}", count) == [2 * number for number in range(count)]
            costs[count] = asked.total() / count
    assert costs[50] <= 8 and costs[200] <= 8, costs
    assert costs[200] < 1.2 * costs[50], costs
    assert sorted(doubling.done) == sorted([*range(50), *range(200)])  # Each once.


async def test_so_many_calls_are_open_at_a_time(start_service: StartService) -> None:
    doubling = Doubling(slowest=0.02)
    async with start_service(doubling.served) as service:
        assert await run(service, "job/1", 10, in_flight=4) == [2 * number for number in range(10)]
    assert doubling.most <= 4
    assert [sorted(doubling.done[:4]), sorted(doubling.done[4:8])] == [[0, 1, 2, 3], [4, 5, 6, 7]]


async def test_it_may_wait_as_long_as_its_job_lives(start_service: StartService) -> None:
    """A step without a time-out has a day, and a group may be away for longer."""
    async with start_service(Doubling().served) as service:
        job = await double_all.start(service.client, "job/1", Numbers(count=2), timeout=timedelta(days=7))
        await service.poll_until(lambda: service.client.find("job/1:1"))
        wave = await service.client.find("job/1:1")
    assert wave is not None and wave.timeout_at == job.timeout_at


@pytest.mark.parametrize(("count", "in_flight"), [(0, 1), (1, 1), (1, 50), (3, 1), (3, 3)])
async def test_a_few(start_service: StartService, count: int, in_flight: int) -> None:
    async with start_service(Doubling().served) as service:
        assert await run(service, "job/1", count, in_flight) == [2 * number for number in range(count)]


async def test_in_flight_is_at_least_one(start_service: StartService) -> None:
    async with start_service(Doubling().served) as service:
        outcome = await service.outcome(double_all, "job/1", Numbers(count=1, in_flight=0))
    assert outcome.error is not None and outcome.error.code == "internal-error"


@pytest.mark.parametrize("odd", [0, 2, 4])
async def test_the_first_failure_ends_it(start_service: StartService, odd: int) -> None:
    doubling = Doubling(odd=odd)
    async with start_service(doubling.served) as service:
        outcome = await service.outcome(double_all, "job/1", Numbers(count=15, in_flight=5))
    assert outcome.error is not None
    assert (outcome.error.code, outcome.error.message) == ("odd-number", f"{odd} is odd")
    assert sorted(doubling.done) == [number for number in range(5) if number != odd]


async def test_a_workflow_may_go_on_after_a_failure(start_service: StartService) -> None:
    """It arrives as its class, also when the run begins again after it."""
    caught = list[int]()

    @serve(double_all)
    async def goes_on(ctx: Context, request: Numbers) -> Doubled:
        try:
            await fan_out(ctx, double, [Number(number=number) for number in range(request.count)])
        except OddNumber as error:
            caught.append(error.number)
        return Doubled(numbers=[(await double(ctx, Number(number=number))).number for number in (5, 6)])

    doubling = Doubling(odd=2)
    async with start_service([doubling.served[0], goes_on]) as service:
        assert await run(service, "job/1", 4) == [10, 12]
    assert set(caught) == {2} and len(caught) >= 2


def test_it_survives_crashes(crashes: Crashes) -> None:
    crashes(double_all, Numbers(count=3, in_flight=2), served=Doubling().served)
