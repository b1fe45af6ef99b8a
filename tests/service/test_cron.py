"""`durable.cron`: what the engines read alike is taken, all else is refused with what to write instead.

What each engine makes of an expression was tried with the crate `cron` 0.12 of the Resonate server, with resonate-pg's
`_next_cron` and with croniter, which the development engine of 0.1.0 used.
"""

import random
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import BaseModel
from shop.runtime.durable.cron import find_next, find_previous, find_problem
from shop.runtime.durable.rpc import Rpc
from shop.runtime.durable.schedules import Schedule, check_schedules
from shop.runtime.errors import WiringError


class Tidy(BaseModel):
    """A request, and a result."""


tidy = Rpc("tidy", "workers", Tidy, Tidy, timedelta(minutes=10))


@pytest.mark.parametrize(
    "cron",
    [
        "* * * * *",
        "*/7 * * * *",
        "10-40/7 8-18 * * *",
        "*/2,5 0 1,15 * *",
        "0 0 * jan,Jul *",
        "0 0 * JAN-MAR/2 *",
        "0 0 * 11-12,1-2 *",
        "0 0 * * MON-FRI",
        "0 0 * * SUN,WED-FRI/2",
        "0 0 * * */2",
        "0 0 29 FEB *",
        "0 0 31 */2 *",
        "05 00 01 01 *",
        "  0  2\t* * * ",
    ],
)
def test_what_every_engine_reads_alike_is_taken(cron: str) -> None:
    assert find_problem(cron) is None
    assert Schedule("nightly", cron, tidy, Tidy()).cron == " ".join(cron.split())


@pytest.mark.parametrize(
    ("cron", "remedy"),
    [
        # The server and resonate-pg refuse them, the development engine runs them.
        ("22-2 * * * *", "Write the ranges: 22-59,0-2."),
        ("0 22-2 * * *", "Write the ranges: 22-23,0-2."),
        ("0 2 * NOV-FEB *", "Write the ranges: NOV-DEC,JAN-FEB."),
        ("0 2 * 12-1 *", "Write the ranges: 12,1."),
        ("0 2 * * FRI-MON", "Write the ranges: FRI-SAT,SUN-MON."),
        ("0 2 * * SAT-SUN", "Write the ranges: SAT,SUN."),
        ("0 2 * * FRI-MON/2", "Write the values: SUN,FRI."),
        ("5-1 * * * *", "Write the ranges: 5-59,0-1."),
        ("0 2 L * *", "Give days by number; for the last day of a month, run on 28-31 and let the workflow look."),
        ("0 2 15W * *", "Give days by number; "),
        ("0 2 * * L5", "Name weekdays: "),
        ("0 2 * * FRI#2", "Name weekdays: "),
        # The development engine takes 5-5 for every day.
        ("0 0 5-5 * *", "Write the value: 5."),
        ("0 0 * * mon-MON", "Write the value: MON."),
        # The server refuses MON/2.
        ("0 0 * * MON/2", "Write the range: MON-SAT/2."),
        ("5/7 * * * *", "Write the range: 5-59/7."),
        ("0 0 1/3 * *", "Write the range: 1-31/3."),
        ("0 0 * 3-MAY *", "Write both ends as numbers, or both as names."),
        # Only the server knows whole names and ?, only resonate-pg reads +5, 1-2-3 and */5/5.
        ("0 0 * january *", "Months are 1 to 12, JAN to DEC; "),
        ("0 0 * * MONDAY", "Name weekdays: "),
        ("0 0 ? * MON", "Give days by number; "),
        ("+5 * * * *", "Minutes are 0 to 59; "),
        ("* 1-2-3 * * *", "Hours are 0 to 23; "),
        ("*/5/5 * * * *", "Minutes are 0 to 59; "),
        ("H * * * *", "Minutes are 0 to 59; "),
        # For the server, Sunday is 1.
        ("0 0 * * 1-5", "Name weekdays: MON, MON-FRI, SAT,SUN."),
        ("0 0 * * 0", "Name weekdays: "),
        ("0 0 * * 7", "Name weekdays: "),
        # The server wants both to match, the others either.
        ("0 0 1 * MON", "Leave one of the two *."),
        ("0 0 */1 * MON", "Leave one of the two *."),
        ("0 0 30 2 *", "No such month has such a day."),
        ("0 0 31 APR,JUN,9,11 *", "No such month has such a day."),
        ("60 * * * *", "Minutes are 0 to 59."),
        ("0 24 * * *", "Hours are 0 to 23."),
        ("0 0 0 * *", "Days are 1 to 31."),
        ("*/0 * * * *", "Give one of 1 to 59."),
        ("*/90 * * * *", "Give one of 1 to 59."),
        ("0, * * * *", "Minutes are 0 to 59; "),
        ("٣ * * * *", "Minutes are 0 to 59; "),
        ("0 2 * *", "Give minute, hour, day, month and weekday, such as 0 2 * * MON."),
        ("0 0 2 * * *", "Give minute, hour, "),
        ("@daily", "Give minute, hour, "),
        ("", "Give minute, hour, "),
    ],
)
def test_anything_else_is_refused_where_it_is_written(cron: str, remedy: str) -> None:
    with pytest.raises(WiringError) as refused:
        Schedule("nightly", cron, tidy, Tidy())
    assert refused.value.problem.startswith(f"schedule nightly, cron {cron!r}: ")
    assert refused.value.remedy.startswith(remedy)


def test_what_is_to_be_written_is_taken() -> None:
    """A remedy that gives an expression gives one that is taken."""
    dice = random.Random(12)
    tried = 0
    names = {0: ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1: ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL")}
    for _ in range(300):
        at, lowest, highest = dice.choice([(0, 0, 59), (1, 0, 23), (2, 1, 31), (3, 1, 12), (3, 1, 7), (4, 0, 6)])
        ends = [dice.randint(lowest, highest) for _ in range(2)]
        named = highest < 10
        spelled = [names[lowest][end - lowest] if named else str(end) for end in ends]
        fields = ["*"] * 5
        fields[at] = "-".join(spelled) + dice.choice(["", "/2", "/3"])
        if problem := find_problem(" ".join(fields)):
            fields[at] = problem.remedy.rpartition(" ")[2].removesuffix(".")
            assert find_problem(" ".join(fields)) is None, problem
            tried += 1
    assert tried > 50


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "a b", "ü", "x" * 61])
def test_a_name_that_no_id_can_hold_is_refused(name: str) -> None:
    with pytest.raises(WiringError, match="is no name of a schedule"):
        Schedule(name, "* * * * *", tidy, Tidy())


def test_two_of_one_name_are_refused() -> None:
    one, other = Schedule("nightly", "0 1 * * *", tidy, Tidy()), Schedule("nightly", "0 2 * * *", tidy, Tidy())
    check_schedules([one, Schedule("weekly", "0 2 * * SUN", tidy, Tidy())])
    with pytest.raises(WiringError, match="two schedules are called nightly\nGive each entry of SCHEDULES "):
        check_schedules([one, other])


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("cron", "moment", "previous", "following"),
    [
        ("* * * * *", "2026-03-01T00:00:00", "2026-02-28T23:59:00", "2026-03-01T00:01:00"),
        ("* * * * *", "2026-03-01T00:00:00.001", "2026-03-01T00:00:00", "2026-03-01T00:01:00"),
        ("30 2 * * *", "2026-03-01T02:30:00", "2026-02-28T02:30:00", "2026-03-02T02:30:00"),
        ("0 6 * * MON", "2026-11-30T05:59:00", "2026-11-23T06:00:00", "2026-11-30T06:00:00"),
        ("0 6 * * SUN", "2026-11-30T05:59:00", "2026-11-29T06:00:00", "2026-12-06T06:00:00"),
        ("5-10/5 8-9 * JAN,7 *", "2026-02-01T00:00:00", "2026-01-31T09:10:00", "2026-07-01T08:05:00"),
        ("0 0 29 FEB *", "2099-01-01T00:00:00", "2096-02-29T00:00:00", "2104-02-29T00:00:00"),
        ("0 0 1 1 *", "1970-01-01T00:00:00", "1969-01-01T00:00:00", "1971-01-01T00:00:00"),
    ],
)
def test_the_times_around_a_moment(cron: str, moment: str, previous: str, following: str) -> None:
    assert find_problem(cron) is None
    assert (find_previous(cron, ms(moment)), find_next(cron, ms(moment))) == (ms(previous), ms(following))


def test_times_follow_each_other() -> None:
    """Whatever the expression, the one before the next is this one."""
    chance = random.Random(4)
    for _ in range(200):
        cron = f"{chance.choice(['*', '*/7', '10-40/7', '5'])} {chance.choice(['*', '2', '8-18'])} " + chance.choice(
            ["* * *", "1 * *", "31 * *", "* * MON-FRI", "* JAN-MAR/2 *", "29 FEB *"]
        )
        here = find_next(cron, chance.randrange(0, 2**42))
        assert here is not None
        after = find_next(cron, here)
        assert after is not None and find_previous(cron, after) == here


def test_the_calendar_ends() -> None:
    end = ms("9999-12-31T23:59:00")
    assert find_next("* * * * *", end - 60_000) == end
    assert find_next("* * * * *", end) is None
