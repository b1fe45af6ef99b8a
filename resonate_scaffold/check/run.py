"""The command `check`: read, judge, change what can be changed, tell."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from resonate_scaffold import __version__
from resonate_scaffold.cache import remembered
from resonate_scaffold.check import Judgement, judge
from resonate_scaffold.check.findings import RULES, Finding, is_selected, page_of
from resonate_scaffold.check.settings import Settings, rules
from resonate_scaffold.check.shown import Shown
from resonate_scaffold.code.files import Patterns, Tree, read
from resonate_scaffold.code.garbage import without_collecting
from resonate_scaffold.disk import apply
from resonate_scaffold.disk.files import may_change, package_at
from resonate_scaffold.errors import ManifestError, UsageError
from resonate_scaffold.plan import Edit, Plan, unified_diff
from resonate_scaffold.project import MANIFEST, Manifest
from resonate_scaffold.report import Outcome, Report
from resonate_scaffold.upgrade.moves import as_numbers

if TYPE_CHECKING:  # imported where a project is read, as in the package
    from resonate_scaffold.check.checklist import Item
    from resonate_scaffold.code.model import Model

_NO_COMMENT = frozenset({"RS000", "RS001", "RS601", "RS602"})
"""What `--add-noqa` leaves: a file that cannot be parsed, a comment itself, what is no code of the owner's."""
_MOST_ROUNDS = 5  # of mends: one may make room for another


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What `check` is asked for. Rules of the command line stand over those of the project's settings.

    ``fix`` changes what certainly can be, ``add_noqa`` suppresses all that is found; with ``dry_run`` a diff is shown
    instead. ``cached``: an unchanged project may be answered from the cache.
    """

    paths: tuple[Path, ...]
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    checklist: bool = False
    statistics: bool = False
    fix: bool = False
    add_noqa: bool = False
    dry_run: bool = False
    cached: bool = True


def run(request: CheckRequest, report: Report) -> Outcome:
    """Check the projects that the paths are in, and report what stands in those paths.

    Raises:
        UsageError: a path, a rule or a setting is not there.
        DiskError: a file cannot be changed; nothing has been.
    """
    request = replace(request, select=rules(request.select, "--select"), ignore=rules(request.ignore, "--ignore"))
    if request.fix and request.add_noqa:
        raise UsageError("--fix and --add-noqa exclude each other", "Give --fix first, then --add-noqa for the rest.")
    shown, items, changed = Shown(), list[dict[str, Any]](), list[tuple[str, str]]()
    behind = list[str]()
    with without_collecting():
        for tree in read(request.paths):
            behind += _behind(tree)
            if request.fix or request.add_noqa:
                tree, plan = _changed(tree, request)
                if request.dry_run:
                    report.diff(unified_diff(plan))
                else:
                    apply(tree.root, plan)
                changed += [(_shown(tree, it.path), it.action) for it in plan.changes]
            judgement = _judged(tree, request)
            shown.analysed += sum(map(tree.is_asked, judgement.analysed))
            shown.files += sum(map(tree.is_asked, tree.files))
            for it in _told(tree, judgement, request):
                shown.add(_as_json(tree, it), _source(tree, it))
            if request.checklist:
                items += _checklist(tree)
    for path, _ in changed:
        report.step("edit", path)
    for note in behind:
        report.note(note)
    if request.checklist:
        report.checklist(items)
    report.findings(shown, statistics=request.statistics, every_stale=any(it != "ALL" for it in request.select))
    return Outcome(
        "check",
        changes=tuple(changed),
        notes=tuple(behind),
        findings=tuple(shown.findings),
        checklist=tuple(items) if request.checklist else None,
    )


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
    return page_of(codes[0]).read_text("utf-8")


def _behind(tree: Tree) -> Iterator[str]:
    """That a service is of an older version of the tool. A manifest that cannot be read is told by other commands."""
    for path, content in tree.beside.items():
        if path.name == MANIFEST.name and tree.is_asked(path):
            with contextlib.suppress(ManifestError):
                manifest = Manifest.from_bytes(content)
                if as_numbers(manifest.version) < as_numbers(__version__):
                    name = manifest.answers["project_name"]
                    yield (
                        f"{name} is of version {manifest.version}, and this is {__version__}: resonate-scaffold upgrade"
                    )


def _model(tree: Tree) -> Model:
    from resonate_scaffold.code.model import Model
    from resonate_scaffold.code.program import Program

    return Model(Program(tree.files, tree.beside, tree.named))


def _judged(tree: Tree, request: CheckRequest) -> Judgement:
    """What the rules say of a project, or said when it was as it is now."""

    def ask() -> Judgement:
        return judge(_model(tree))

    if not request.cached:
        return ask()
    purpose = f"check {' '.join(map(str, tree.named))}"
    return remembered(tree.root, purpose, {**tree.files, **tree.beside}, Judgement, ask)


def _told(tree: Tree, judgement: Judgement, request: CheckRequest) -> list[Finding]:
    """What is told of it, by the settings and the command line."""
    settings = Settings.of(tree.settings)
    select = request.select or settings.select
    ignore = request.ignore if request.select else (*settings.ignore, *request.ignore)
    return [
        it
        for it in judgement.found
        if is_selected(it.code, select, ignore) and tree.is_told(it.path) and not _is_ignored(it, settings.per_file)
    ]


def _is_ignored(finding: Finding, per_file: Sequence[tuple[Patterns, tuple[str, ...]]]) -> bool:
    path = str(finding.path)
    return any(patterns.match(path) and not is_selected(finding.code, ("ALL",), codes) for patterns, codes in per_file)


def _changed(tree: Tree, request: CheckRequest) -> tuple[Tree, Plan]:
    """A project with what is to be changed in it, and the plan that changes it."""
    if request.fix:
        after = tree
        for _ in range(_MOST_ROUNDS):
            changed = _with(after, request, lambda it: it.mend is not None, _mended)
            if changed == after:
                break
            after = changed
    else:
        after = _with(tree, request, lambda it: it.code not in _NO_COMMENT, _suppressed)
    edits = [
        Edit(path, content, after.files[path]) for path, content in tree.files.items() if after.files[path] != content
    ]
    return after, Plan(tuple(edits))


def _with(
    tree: Tree,
    request: CheckRequest,
    fits: Callable[[Finding], bool],
    change: Callable[[bytes, list[Finding]], bytes],
) -> Tree:
    """A project in which the findings of each file have changed it."""
    found: dict[PurePosixPath, list[Finding]] = {}
    package = package_at(tree.root)
    for it in _told(tree, _judged(tree, replace(request, cached=False)), request):
        if fits(it) and it.path in tree.files and may_change(it.path, package):
            found.setdefault(it.path, []).append(it)
    return replace(tree, files={**tree.files, **{path: change(tree.files[path], of) for path, of in found.items()}})


def _mended(content: bytes, found: list[Finding]) -> bytes:
    from resonate_scaffold.check.mends import mended

    return mended(content, [it.mend for it in found if it.mend is not None])


def _suppressed(content: bytes, found: list[Finding]) -> bytes:
    from resonate_scaffold.check.noqa import added

    codes: dict[int, list[str]] = {}
    for it in found:
        codes.setdefault(it.line, []).append(it.code)
    return added(content, codes)


def _checklist(tree: Tree) -> list[dict[str, Any]]:
    from resonate_scaffold.check.checklist import checklist

    return [_item(tree, it) for it in checklist(_model(tree)) if tree.is_asked(it.path)]


def _as_json(tree: Tree, finding: Finding) -> dict[str, Any]:
    told = asdict(finding)
    return {
        **told,
        "path": _shown(tree, finding.path),
        "name": RULES[finding.code].name,
        "url": page_of(finding.code).as_uri(),
    }


def _source(tree: Tree, finding: Finding) -> str:
    """The line that a finding is about."""
    lines = tree.files.get(finding.path, b"").splitlines()
    return lines[finding.line - 1].decode("utf-8", "replace") if 0 < finding.line <= len(lines) else ""


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
