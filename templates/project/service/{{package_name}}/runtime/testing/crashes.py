"""Kill a durable function's process at its exchanges with the engine, and compare with a run without a crash.

One line tests a workflow::

    def test_ship_survives_crashes(crashes: Crashes) -> None:
        crashes(ship, Ship(order_id="o-1"))

The process that runs it is killed at an exchange: before the request is sent, or after it was applied but before the
response arrives. Its lease lapses, a fresh process takes over and finishes. Then the result and the database's rows
must be those of the run without a crash, and every child id must have stood for the same call in both lives. No
workflow may read a clock or draw at random, whether or not it shows. And where something ran to its end but was not
recorded, it runs again at another time, with other uuids: it must not leave more rows for that.

A short workflow is crashed at every point. Of a longer one a sample is taken, spread evenly over the run: other points
each session, by a seed that pytest's header shows. ``--crashes=all`` takes every point.

How a process is killed, and goes on in another, is in `lives`.
"""

import json
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from .. import dev
from ..durable.rpc import Registration, Rpc
from ..http.work import Outcome
from ..service import Service
from .databases import Databases, read_rows
from .history import Call
from .lives import Answers, Kill, Run
from .recording import record_calls

CALLS_TO = "CRASHES_CALLS_TO"
"""Environment variable: a file to which calls are written instead of crashing anything (see `guarantees`)."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How many points of a workflow are crashed (None: all), and the seed that chooses them."""

    most: int | None
    seed: int

    def of(self, points: Sequence[Kill]) -> list[Kill]:
        """All points, or one of each of ``most`` equal parts of the run."""
        if self.most is None or len(points) <= self.most:
            return list(points)
        choose = random.Random(f"{self.seed} {len(points)}")
        bounds = [len(points) * part // self.most for part in range(self.most + 1)]
        return [points[choose.randrange(first, end)] for first, end in pairwise(bounds)]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run came to: its outcome, the rows by table, the calls in all lives, and the first life's exchanges."""

    outcome: Outcome
    rows: dict[str, list[str]]
    calls: list[Call]
    exchanges: list[str]


@dataclass(frozen=True)
class Crashes:
    """Crashes durable functions: the fixture `crashes`."""

    service: Service
    databases: Databases
    sample: Sample
    test: str

    def __call__[Q: BaseModel](
        self,
        contract: Rpc[Q, Any],
        request: Q,
        *,
        answers: Answers | None = None,
        served: Sequence[Registration] = (),
        dependencies: Sequence[Any] = (),
    ) -> Outcome:
        """Crash a durable function at its exchanges; returns the outcome that it has each time.

        ``answers`` are those of the outside at each gate, and must be given where there is one; a gate that has no
        answer in it is left to expire. ``served`` and ``dependencies`` are what there is besides the service's own.
        """
        url = self.databases.create()
        run = partial(
            self.run, contract, request, answers=answers, served=served, dependencies=dependencies, database_url=url
        )
        whole = run([None])
        _compare_calls(f"{contract.name}, without a crash", whole.calls)
        if record := os.environ.get(CALLS_TO):
            line = {"test": self.test, "calls": {call.id: _describe(call) for call in whole.calls}}
            with Path(record).open("a") as file:
                file.write(json.dumps(line) + "\n")
            return whole.outcome
        points = [Kill(number + 1, applied) for number in range(len(whole.exchanges)) for applied in (False, True)]
        for kill in self.sample.of(points):
            exchange = whole.exchanges[kill.exchange - 1]
            when = f"{'after' if kill.applied else 'before'} exchange {kill.exchange}, {exchange}"
            at = f"{contract.name}, killed {when} (--crash-seed {self.sample.seed})"
            crashed = run([kill, None])
            _compare_calls(at, crashed.calls)
            _compare_rows(at, whole.rows, crashed.rows)
            if crashed.outcome != whole.outcome:
                pytest.fail(f"{at}:\n  it ended as {crashed.outcome}\n  without a crash {whole.outcome}")
            if not kill.applied and "promise.settle" in exchange:  # What has run to its end runs again.
                _compare_again(at, whole, run([kill, None], drift=True))
        self.databases.drop(url)
        return whole.outcome

    def run[Q: BaseModel](
        self,
        contract: Rpc[Q, Any],
        request: Q,
        lives: Sequence[Kill | None] = (None,),
        *,
        drift: bool = False,
        answers: Answers | None = None,
        served: Sequence[Registration] = (),
        dependencies: Sequence[Any] = (),
        database_url: str | None = None,
    ) -> Ran:
        """Run a durable function, its process being killed as ``lives`` say.

        It has a database of its own, or the one at ``database_url``, whose rows are reset first.
        """
        url = database_url or self.databases.create()
        if database_url is not None:
            self.databases.reset(url)
        settings = self.service.settings(namespace="", database_url=url, use_fakes=True, _env_file=None)
        all_of_them = [*dev.registrations(self.service), *served]
        it = Run(self.service, contract, request, answers, all_of_them, dependencies, settings, drift=drift)
        with record_calls() as calls:
            exchanges = [it.live(kill) for kill in lives]
        if it.misuse:
            pytest.fail(it.misuse[0])
        return Ran(it.outcome(), read_rows(url), calls, exchanges[0])


def _compare_calls(at: str, calls: Sequence[Call]) -> None:
    first: dict[str, Call] = {}
    for call in calls:
        before = first.setdefault(call.id, call)
        if _describe(before) != _describe(call):
            pytest.fail(
                f"{at}:\n  {call.id} was `{_describe(before)}`\n  and is `{_describe(call)}` when it runs again.\n"
                "A workflow must make the same calls whenever it runs: no clock, random value or I/O outside a step."
            )


def _compare_rows(at: str, expected: Mapping[str, list[str]], found: Mapping[str, list[str]]) -> None:
    for table, rows in expected.items():
        if found[table] != rows:
            pytest.fail(
                f"{at}:\n  table {table} has {found[table]}\n  and without a crash {rows}.\n"
                "A write that may run twice goes through `once` (runtime.durable.once); the time and uuids in it come "
                "from runtime.durable.clock."
            )


def _compare_again(at: str, whole: Ran, drifted: Ran) -> None:
    for what, expected, found in (
        ("it ended as", whole.outcome.status, drifted.outcome.status),
        *((f"rows in table {table}:", len(rows), len(drifted.rows[table])) for table, rows in whole.rows.items()),
    ):
        if found != expected:
            pytest.fail(
                f"{at}, and run again at another time, with other uuids:\n  {what} {found}\n"
                f"  without a crash {expected}.\n"
                "What names an operation, and what it asks for, must be the same whenever it runs: nothing of "
                "runtime.durable.clock."
            )


def _describe(call: Call) -> str:
    target = f" at {call.target}" if call.target else ""
    return f"{call.kind} {call.name} v{call.version}{target} {json.dumps(call.args, sort_keys=True)}"
