"""The embedded engine answers what a Resonate server answered: see `tests.conformance`."""

from __future__ import annotations

import pytest

from tests.conformance import EXCEPTIONS, Line, Replay, scenarios

SCENARIOS = list(scenarios())


@pytest.mark.parametrize("lines", [lines for _, lines in SCENARIOS], ids=[name for name, _ in SCENARIOS])
def test_a_recorded_scenario_is_answered_alike(lines: list[Line]) -> None:
    replay = Replay()
    for number, line in enumerate(lines):
        assert replay.line(line) is None, f"line {number}: {line}"


def test_the_recordings_are_whole_and_each_exception_is_met() -> None:
    replays = []
    for _, lines in SCENARIOS:
        replays.append(Replay())
        for line in lines:
            replays[-1].line(line)
    assert sum(count for replay in replays for kind, count in replay.checked.items() if kind != "state") == 9_600
    assert {name for replay in replays for name in replay.excepted} == set(EXCEPTIONS)
