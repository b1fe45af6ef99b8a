"""docs/hazards.md says which test holds each hazard, docs/guarantees.md which holds each promise: those tests exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from resonate_scaffold.check.findings import RULES

ROOT = Path(__file__).parent.parent
TABLE = (ROOT / "docs" / "hazards.md").read_text("utf-8")
WHERE = {
    "service": ROOT / "templates" / "project" / "service" / "tests",
    "runtime": ROOT / "tests" / "service",
    "tool": ROOT / "tests",
}
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines() if line.startswith("| ")]
PROMISES = (ROOT / "docs" / "guarantees.md").read_text("utf-8")
PROMISED = [[cell.strip() for cell in line.strip("|").split("|")] for line in PROMISES.splitlines() if line[:2] == "| "]
HELD = [(row[0], row[2]) for row in (*ROWS[1:], *PROMISED[1:]) if not row[0].startswith("**")]


@pytest.mark.parametrize(("hazard", "held"), HELD, ids=[hazard[:40] for hazard, _ in HELD])
def test_the_tests_that_hold_a_hazard_exist(hazard: str, held: str) -> None:
    named = [
        (place, *test)
        for part in held.split("; ")
        for place, tests in re.findall(r"^(service|runtime|tool): (.*)", part)
        for test in re.findall(r"`((?:example/)?test_\w+\.py)(?:::(test_\w+))?`", tests)
    ]
    assert named, f"nothing holds: {hazard}"
    assert len(named) == len(re.findall(r"`(?:example/)?test_\w+\.py", held)), f"not understood: {held}"
    for place, file, function in named:
        path = WHERE[place] / file
        path = path if path.exists() else path.with_name(f"{path.name}.jinja")
        assert path.exists(), f"{hazard}: there is no {file}"
        name = rf"{function}\b" if function else "test_"
        assert re.search(rf"def {name}|^{name} = ", path.read_text("utf-8"), re.MULTILINE), f"{hazard}: no {function}"


def test_the_rules_that_see_a_hazard_exist() -> None:
    named = [code for *_, codes in ROWS[1:] for code in re.findall(r"RS\d+", codes)]
    assert len(set(named)) > 20 and set(named) <= set(RULES)
