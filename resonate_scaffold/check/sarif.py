"""Findings as SARIF 2.1.0, which GitHub code scanning and editors read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from resonate_scaffold import __version__
from resonate_scaffold.check.findings import RULES, page_of
from resonate_scaffold.report import Outcome

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def written(outcome: Outcome) -> str:
    """What a check found, as the text of a log."""
    return json.dumps(log(outcome.findings or ()), indent=2)


def log(findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One run, with the page of every rule that found something."""
    codes = sorted({it["code"] for it in findings})
    driver = {"name": "resonate-scaffold", "version": __version__, "rules": [_rule(code) for code in codes]}
    results = [_result(it, codes.index(it["code"])) for it in findings]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    rule, page = RULES[code], page_of(code).read_text("utf-8")
    return {
        "id": code,
        "name": "".join(part.capitalize() for part in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "help": {"text": page, "markdown": page},
        "helpUri": page_of(code).as_uri(),
        "defaultConfiguration": {"level": "error"},
    }


def _result(finding: Mapping[str, Any], index: int) -> dict[str, Any]:
    artifact = {"uri": _uri(finding["path"])}
    region = _region(finding)
    result = {
        "ruleId": finding["code"],
        "ruleIndex": index,
        "level": "error",
        "message": {"text": f"{finding['message']}\n{finding['hint']}"},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": region}}],
    }
    mend = finding["mend"]
    if mend is not None:
        replacement = {"deletedRegion": _region(mend), "insertedContent": {"text": mend["text"]}}
        change = {"artifactLocation": artifact, "replacements": [replacement]}
        result["fixes"] = [{"description": {"text": finding["hint"]}, "artifactChanges": [change]}]
    return result


def _region(place: Mapping[str, Any]) -> dict[str, int]:
    found = {"startLine": place["line"], "startColumn": place["column"]}
    if place["end_line"] is not None:
        found |= {"endLine": place["end_line"], "endColumn": place["end_column"]}
    return found


def _uri(path: str) -> str:
    """A path as a URI: relative to where the command ran, or absolute where it lies elsewhere."""
    return PurePath(path).as_uri() if PurePath(path).is_absolute() else quote(PurePath(path).as_posix())
