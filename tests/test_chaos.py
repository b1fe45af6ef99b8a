"""The short form of `nox -s chaos`, on both databases; and what its plan and its judgement are worth."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any, cast

import pytest

from . import chaos
from .chaos import DATABASES, Database, Fault, Job, Rows, Story
from .chaos_saga import CANCELED, PATH, judge_saga

PLAIN = Job("plain", "/jobs", {"account_id": "acc-1"})
ASKS = Job("asks", "/jobs", {"account_id": "acc-1", "requires_approval": True}, (True, False))
SUMMARY = Job("summary", "/accounts/summary", {"account_ids": ["acc-1"]})
SUCCEEDED = {"status": "succeeded", "error": None}
REJECTED = {"status": "failed", "error": {"code": "not-approved", "message": "the job was rejected"}}


def stories() -> list[Story]:
    """All as it should be: two jobs that succeeded, and one that was rejected."""
    return [
        Story(PLAIN, accepted=True, end=SUCCEEDED),
        Story(SUMMARY, accepted=True, end=SUCCEEDED),
        Story(ASKS, accepted=True, approved=False, end=REJECTED),
    ]


def rows(*effects: str) -> Rows:
    operations = [f"db/op/save-result/{key}" for key in dict.fromkeys(effects)]
    return Rows(list(effects), operations, operations)


def test_what_must_have_happened_is_right() -> None:
    assert chaos.judge(stories(), rows("plain")) == chaos.Verdict([], [], [])


@pytest.mark.parametrize(
    ("effects", "lost", "doubled", "wrong"),
    [
        ((), ["plain"], [], "plain: succeeded, but it has no effect"),
        (("plain", "plain"), [], ["plain"], "plain: 2 effects in the database"),
        (("plain", "asks"), [], [], "asks: an effect in the database, but no job that succeeded"),
        (("plain", "summary"), [], [], "summary: an effect in the database, but no job that succeeded"),
        (("plain", "a-stranger"), [], [], "a-stranger: an effect in the database, but no job that succeeded"),
    ],
)
def test_rows_that_must_not_be_are_found(
    effects: tuple[str, ...], lost: list[str], doubled: list[str], wrong: str
) -> None:
    verdict = chaos.judge(stories(), rows(*effects))
    assert (verdict.lost, verdict.doubled) == (lost, doubled)
    assert any(wrong in what for what in verdict.wrong), verdict.wrong


def test_a_write_that_claims_nothing_is_found() -> None:
    verdict = chaos.judge(stories(), Rows(["plain"], [], []))
    assert verdict.wrong == ["plain: 1 effects, 0 operations"]


def test_a_job_that_never_ended_or_ended_otherwise_is_found() -> None:
    plain, summary, asks = stories()
    plain.end, asks.end = None, SUCCEEDED
    verdict = chaos.judge([plain, summary, asks], rows("asks"))
    assert verdict.lost == ["plain"]
    assert verdict.wrong[0] == "plain: accepted, but it never ended"
    assert verdict.wrong[1].startswith("asks: ended as ('succeeded', None), expected ('failed', ")


BOOKED = {"reserved": [("m", 5)], "charged": [("m", 5)], "shipped": [("m", 5)]}
ENDED = {"m": (5, "succeeded"), "c": (7, "canceled")}


def test_money_that_adds_up_is_right() -> None:
    assert judge_saga(ENDED, BOOKED) == []
    assert judge_saga({"c": (7, "canceled")}, {}) == []
    saga = Job("m", PATH, {"amount": 5, "ending": "well"}, canceled_after=0.2)
    for end, booked in ((SUCCEEDED, BOOKED), ({"status": "canceled", "error": CANCELED}, {})):
        story = Story(saga, accepted=True, end=end)
        assert chaos.judge([story], Rows([], [], [], booked)) == chaos.Verdict([], [], [])


@pytest.mark.parametrize(
    ("table", "rows", "wrong"),
    [
        ("charged", [], "m: succeeded, and is not booked in charged"),
        ("charged", [("m", 5), ("m", 5)], "m: booked 2 times in charged"),
        ("shipped", [("m", 5), ("c", 7)], "c: booked in shipped, and it is canceled"),
        ("shipped", [("m", 4)], "m: 4 in shipped, not 5"),
        ("reserved", [("m", 5), ("x", 1)], "x: booked in reserved, and nobody asked for it"),
    ],
)
def test_money_that_does_not_add_up_is_found(table: str, rows: list[tuple[str, int]], wrong: str) -> None:
    found = judge_saga(ENDED, {**BOOKED, table: rows})
    assert wrong in found
    assert any(what.startswith("the tables do not add up") for what in found)


def test_a_seed_decides_all_faults_and_jobs() -> None:
    assert chaos.faults(7, 60) == chaos.faults(7, 60) != chaos.faults(8, 60)
    assert chaos.jobs(7, 500) == chaos.jobs(7, 500) != chaos.jobs(8, 500)
    kills = Counter(fault.role for fault in chaos.faults(7, 60) if fault.kind == "kill")
    assert kills == dict.fromkeys(chaos.ROLES, 15)
    short = set(chaos.faults(7, 5, chaos.ON_POSTGRES))
    assert {Fault(kind, role) for kind in ("kill", "away") for role in chaos.ON_POSTGRES} <= short
    assert {fault.kind for fault in short} == {"kill", "away", "freeze", "drain", "deploy"}
    assert {job.decisions for job in chaos.jobs(7, 150)} == {(), *chaos.DECISIONS}


@pytest.mark.parametrize(
    ("restored", "lacking", "wrong"),
    [
        ("database", [["missing a", "missing b"], ["done again a", "done again b"], []], []),
        ("database", [["missing a"], ["missing a; it cannot be done again"], ["missing a"]], ["missing a"]),
        ("database", [[]], []),
        ("both", [[]], []),
        ("both", [["missing a"], ["done again a"], []], ["the newer database lacks 1 writes: missing a"]),
        ("engine", [["missing a"], ["done again a"], []], ["the newer database lacks 1 writes: missing a"]),
    ],
)
def test_what_a_database_lacks_is_done_again_and_is_wrong_where_it_is_the_newer_one(
    restored: chaos.Restored, lacking: list[list[str]], wrong: list[str]
) -> None:
    class Reconciles:
        roles = chaos.ROLES

        def reconcile(self, *, again: bool = False) -> list[str]:
            return lacking.pop(0)

    run = chaos.Restore(cast(Any, Reconciles()), cast(Any, None), 1, [], restored)
    run._reconcile()
    assert (run.wrong, lacking) == (wrong, [])


def test_decisions_that_a_restore_may_lose_do_not_contradict_each_other() -> None:
    asked = {job.decisions for job in chaos.jobs(7, 300, chaos.UNANIMOUS)}
    assert asked == {(), *chaos.UNANIMOUS}
    assert all(len(set(decisions)) <= 1 for decisions in asked)


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A service made and installed by the command, and its next release."""
    parent = tmp_path_factory.mktemp("made")
    service = chaos.make_service(parent)
    return service, chaos.make_next_release(service, parent)


@pytest.mark.skipif(os.name == "nt", reason="Windows has none of these signals")
@pytest.mark.parametrize("database", DATABASES)
def test_nothing_is_lost_and_nothing_happens_twice(
    releases: tuple[Path, Path], database: Database, tmp_path: Path
) -> None:
    report = chaos.run(releases, tmp_path, seed=1, count=150, kills=4, away=2, database=database)
    assert report.verdict == chaos.Verdict([], [], [])
    assert sum(report.faults.values()) == 4 + len(chaos.ON_POSTGRES if database == "postgres" else chaos.ROLES) + 3 * 2
