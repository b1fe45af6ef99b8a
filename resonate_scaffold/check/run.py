"""The command `check`: read, judge, tell."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

from resonate_scaffold.check import findings_of
from resonate_scaffold.check.checklist import Item, checklist
from resonate_scaffold.check.findings import RULES, Finding, is_selected
from resonate_scaffold.check.settings import Settings, rules
from resonate_scaffold.code.files import Patterns, Tree, read
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.errors import UsageError
from resonate_scaffold.report import Outcome, Report


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What `check` is asked for. Rules of the command line stand over those of the project's settings."""

    paths: tuple[Path, ...]
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    checklist: bool = False


def run(request: CheckRequest, report: Report) -> Outcome:
    """Check the projects that the paths are in, and report what stands in those paths.

    Raises:
        UsageError: a path, a rule or a setting is not there.
    """
    select, ignore = rules(request.select, "--select"), rules(request.ignore, "--ignore")
    found: list[dict[str, Any]] = []
    items: list[dict[str, Any]] = []
    checked = 0
    gc.disable()  # trees are full of cycles that live as long as the process: to look for garbage takes as long again
    for tree in read(request.paths):
        program = Program(tree.files, tree.beside)
        model = Model(program)
        checked += sum(tree.is_asked(path) for path in program.modules)
        for it in _findings(model, tree, select, ignore):
            found.append({**_as_json(it), "path": _shown(tree, it.path)})
        if request.checklist:
            items += [_item(tree, it) for it in checklist(model) if tree.is_asked(it.path)]
    gc.freeze()
    gc.enable()
    if request.checklist:
        report.checklist(items)
    report.findings(found, checked)
    return Outcome("check", findings=tuple(found), checklist=tuple(items) if request.checklist else None)


def explain(rule: str) -> str:
    """The page of a rule.

    Raises:
        UsageError: there is no such rule.
    """
    codes = rules([rule], "--explain")
    if codes[0] not in RULES:
        raise UsageError(
            f"{rule} is not one rule", f"For example: --explain {next(it for it in RULES if it.startswith(codes[0]))}"
        )
    return resources.files("resonate_scaffold.check").joinpath("pages", f"{codes[0]}.md").read_text("utf-8")


def _findings(model: Model, tree: Tree, select: tuple[str, ...], ignore: tuple[str, ...]) -> list[Finding]:
    settings = Settings.of(tree.settings)
    found = findings_of(model, select or settings.select, (*settings.ignore, *ignore) if not select else ignore)
    return [it for it in found if tree.is_told(it.path) and not _is_ignored(it, settings.per_file)]


def _is_ignored(finding: Finding, per_file: Sequence[tuple[Patterns, tuple[str, ...]]]) -> bool:
    path = str(finding.path)
    return any(patterns.match(path) and not is_selected(finding.code, ("ALL",), codes) for patterns, codes in per_file)


def _as_json(finding: Finding) -> dict[str, Any]:
    told = asdict(finding)
    return {**told, "name": RULES[finding.code].name}


def _shown(tree: Tree, path: PurePosixPath) -> str:
    """A path as the user would type it here."""
    whole = tree.root / path
    try:
        return whole.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(whole)


def _item(tree: Tree, item: Item) -> dict[str, Any]:
    rows: list[Mapping[str, Any]] = [
        {
            "question": row.question,
            "answer": row.answer,
            "why": row.why,
            "file": _shown(tree, row.path) if row.path else None,
            "line": row.line,
        }
        for row in item.rows
    ]
    return {"route": item.route, "file": _shown(tree, item.path), "line": item.line, "rows": rows}
