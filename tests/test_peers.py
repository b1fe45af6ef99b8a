"""The parts of `bench-peers` that measure nothing: who comes when, ratios, the table, and who is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from .peers import processes, table
from .peers.contenders import Ours, contenders

TITLES = {"embedded-sqlite": "embedded", "restate": "Restate", "dbos": "DBOS", "resonate-pg": "resonate-pg"}
MEASURED = {
    # The median of the ratios is above 1, though the ratio of the medians is below.
    "embedded-sqlite": table.Figures([50.0, 90.0, 120.0], [30.0, 20.0, 10.0]),
    "restate": table.Figures([100.0, 80.0, 100.0], [10.0, 20.0, 20.0]),
    "dbos": table.Figures([1200.4, 10.0, 11.0], [60.0, 62.0, 61.0]),
}


def test_each_contender_is_first_in_a_round_of_its_own() -> None:
    names = ["a", "b", "c"]
    orders = [table.rotated(names, number) for number in range(4)]
    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


def test_a_ratio_is_of_figures_of_one_round_and_its_median_decides() -> None:
    rate, latency, *_ = table.WANTED
    assert rate.ratios(MEASURED) == [0.5, 1.125, 1.2]
    assert rate.is_met(rate.ratios(MEASURED))
    assert latency.ratios(MEASURED) == [3.0, 1.0, 0.5]
    assert latency.is_met([1.0]) and not latency.is_met([1.01])
    assert not rate.is_met([1.0])


def test_the_table_has_medians_the_fastest_first_who_was_not_run_and_the_ratios() -> None:
    made = table.markdown(TITLES, MEASURED, {"resonate-pg": "no file"}, 16)
    assert made.splitlines() == [
        "| | 16 in flight, jobs/s | one at a time, p50 |",
        "|---|---|---|",
        "| Restate | 100 (80..100) | 20.0 (10.0..20.0) ms |",
        "| embedded | 90 (50..120) | 20.0 (10.0..30.0) ms |",
        "| DBOS | 11 (10..1,200) | 61.0 (60.0..62.0) ms |",
        "| resonate-pg | not run: no file | |",
        "",
        "| ratio | | wanted | |",
        "|---|---|---|---|",
        "| embedded / Restate, jobs/s | 1.12 (0.50..1.20) | > 1 | met |",
        "| embedded / Restate, latency | 1.00 (0.50..3.00) | <= 1 | met |",
    ]
    alone = table.markdown(TITLES, {"dbos": MEASURED["dbos"]}, {}, 16)
    assert "ratio" not in alone


def test_the_json_has_every_round() -> None:
    made = table.as_json(MEASURED, {"resonate-pg": "no file"}, {"rounds": 3})
    assert made["figures"]["dbos"] == {"jobs_per_second": [1200.4, 10.0, 11.0], "p50_ms": [60.0, 62.0, 61.0]}
    assert [(each["contender"], each["figure"], each["met"]) for each in made["ratios"]] == [
        ("embedded-sqlite", "jobs/s", True),
        ("embedded-sqlite", "latency", True),
    ]
    assert (made["about"], made["not_run"]) == ({"rounds": 3}, {"resonate-pg": "no file"})


def test_engines_without_their_file_are_named_and_another_checkout_adds_rows(tmp_path: Path) -> None:
    there, titles, missing = contenders(None, None, None)
    assert list(there) == ["restate", "dbos", "embedded-sqlite", "embedded-postgres"]
    assert set(missing) == {"resonate-pg", "server-sqlite", "server-postgres"}
    assert set(titles) == {*there, *missing}

    there, titles, missing = contenders(tmp_path / "resonate", tmp_path / "resonate.sql", tmp_path)
    assert not missing
    before = there["server-sqlite-before"]
    assert isinstance(before, Ours) and before.tool == tmp_path and before.title.endswith(", before")
    wanted = {name for each in table.WANTED for name in (each.contender, each.other)}
    assert wanted <= set(titles), "a ratio that is wanted names nobody"


def test_no_setting_of_the_run_reaches_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RESONATE_SERVER", "RESONATE_PG_SQL", "RESTATE_CONFIG", "DATABASE_URL"):
        monkeypatch.setenv(name, "/binary")
    made = processes.clean_environment({"RESONATE_URL": "http://127.0.0.1:1"})
    assert made["RESONATE_URL"] == "http://127.0.0.1:1" and "PATH" in made
    assert not {"RESONATE_SERVER", "RESONATE_PG_SQL", "RESTATE_CONFIG", "DATABASE_URL"} & made.keys()
