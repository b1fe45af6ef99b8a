"""`resonate-scaffold upgrade`: plan, carry out in the working tree or on a branch, and what comes after conflicts."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from resonate_scaffold import __version__, disk, git
from resonate_scaffold.disk import plain
from resonate_scaffold.errors import GitError, ManifestError, NoProject, StillUsed, UsageError
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan, unified_diff
from resonate_scaffold.project import Project, fingerprint
from resonate_scaffold.report import Outcome, Report
from resonate_scaffold.upgrade.changes import entries_between
from resonate_scaffold.upgrade.moves import as_numbers
from resonate_scaffold.upgrade.plan import Upgrade, plan_upgrade
from resonate_scaffold.upgrade.releases import carried
from resonate_scaffold.upgrade.repository import Tree

_STATE = "resonate-scaffold-upgrade.json"
_LARGEST = 5_000_000  # bytes of a file that takes part: nothing that this tool makes is near it
_UNDER_WAY = "Go on with it: resonate-scaffold upgrade --continue, or take it back: resonate-scaffold upgrade --abort"


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """What the command line asked for. ``branch``: make a commit on a branch of this name, and leave the rest alone."""

    project: Path
    version: str | None = None
    past: Path | None = None
    branch: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """An upgrade that was carried out in the working tree and is not committed yet.

    ``changes``: by path, the hash of what the upgrade put there; None where it removed the file.
    """

    old: str
    new: str
    head: str
    changes: dict[PurePosixPath, str | None]
    conflicts: tuple[PurePosixPath, ...]

    def to_bytes(self) -> bytes:
        return json.dumps(
            {
                "old": self.old,
                "new": self.new,
                "head": self.head,
                "changes": {str(path): after for path, after in self.changes.items()},
                "conflicts": list(map(str, self.conflicts)),
            }
        ).encode()

    @classmethod
    def read(cls, file: Path) -> _UnderWay | None:
        """Read what :meth:`to_bytes` wrote; None where no upgrade is under way."""
        if plain.lstat(file) is None:
            return None
        try:
            data: Any = json.loads(plain.read_file(file))
            changes = {PurePosixPath(path): after for path, after in data["changes"].items()}
            conflicts = tuple(map(PurePosixPath, data["conflicts"]))
            return cls(str(data["old"]), str(data["new"]), str(data["head"]), changes, conflicts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ManifestError(f"{file} cannot be read: {error!r}", "Remove it, and see git status.") from error


def upgrade(request: UpgradeRequest, report: Report) -> Outcome:
    """Bring the service around ``request.project`` to a version.

    Raises:
        ScaffoldError: nothing was changed.
    """
    root, project = disk.discover(request.project, settle=not request.dry_run)
    version = request.version or __version__
    old = project.manifest.version
    _check_versions(old, version)
    _check_repository(root, dry_run=request.dry_run)
    if old == version:
        report.note(f"{project.name} is of version {version} already: nothing to do")
        return Outcome("upgrade", str(root), notes=(f"{project.name} is of version {version} already: nothing to do",))
    if project.package != project.manifest.answers["package_name"]:
        raise NoProject(
            f"The package {project.manifest.answers['package_name']} is called {project.package} now",
            "Give it back its name for the upgrade, and rename it again afterwards.",
        )
    planned = plan_upgrade(
        project.manifest, project.recorded(), project.package, _working_tree(root), version, request.past
    )
    if request.branch is not None and planned.conflicts and not request.dry_run:
        raise GitError(
            f"{_counted(planned)} cannot be merged, and a commit has none",
            "See them: resonate-scaffold upgrade --dry-run. Resolve them in the working tree: leave --branch out.",
        )
    diff = list(unified_diff(planned.plan)) if request.dry_run else None
    if diff is not None:
        report.files(planned.plan)
        report.diff(diff)
    elif request.branch is not None:
        message = f"Upgrade from resonate-scaffold {old} to {version}"
        git.commit_on_branch(root, request.branch, dict(_as_files(planned.plan)), message)
    else:
        _carry_out(root, planned)
        report.files(planned.plan)
    notes = tuple(_notes(planned))
    for note in notes:
        report.note(note)
    if request.dry_run:
        report.note("Dry run: nothing was changed")
    else:
        report.next_steps(list(_next_steps(planned, project, request.branch)))
    return Outcome(
        "upgrade",
        str(root),
        changes=tuple((str(change.path), change.action) for change in planned.plan.changes),
        notes=notes,
        diff=None if diff is None else "\n".join(diff),
        conflicts=tuple(
            {"paths": list(map(str, it.paths)), "reason": it.reason, "message": it.message} for it in planned.conflicts
        ),
    )


def show_versions(start: Path, report: Report) -> Outcome:
    """Say which version made the service around *start*, which one this is, and whose services it can upgrade."""
    root, project = disk.discover(start)
    found = {"service": project.manifest.version, "tool": __version__, "upgrades": carried()}
    report.table(
        [
            ("versions", [f"{project.name} was made or upgraded by {found['service']}", f"this is {__version__}"]),
            ("upgrades from", carried()),
        ]
    )
    return Outcome("list", str(root), inventory={"versions": found})


def go_on(start: Path, report: Report) -> Outcome:
    """End an upgrade whose conflicts are resolved.

    Raises:
        StillUsed: a file is still in conflict.
        UsageError: no upgrade is under way.
    """
    root, file, found = _under_way(start)
    left = [*git.unmerged(root), *(path for path in found.conflicts if _has_markers(root, path, found.new))]
    if left:
        names = ", ".join(map(str, dict.fromkeys(left)))
        raise StillUsed(
            f"{names}: still in conflict",
            "Edit each as it should be, then `git add` it (or `git rm` one that goes); `git mergetool` helps.",
        )
    file.unlink()
    report.note(f"The upgrade to version {found.new} is resolved: commit it")
    return Outcome("upgrade", str(root), notes=(f"The upgrade to version {found.new} is resolved: commit it",))


def abort(start: Path, report: Report) -> Outcome:
    """Take back an upgrade that is under way: every file as the last commit has it.

    Raises:
        UsageError: no upgrade is under way.
        GitError: something was committed since.
    """
    root, file, found = _under_way(start)
    if git.head(root) != found.head:
        raise GitError(
            "Something was committed since the upgrade",
            f"Go back with git: git revert, or git reset; then remove {file}",
        )
    plan = Plan(tuple(_back(root, found)))
    disk.apply(root, plan, whole=True)
    git.forget_conflicts(root, list(found.changes))
    file.unlink()
    report.files(plan)
    report.note(f"The service is of version {found.old}, as it was")
    return Outcome(
        "upgrade",
        str(root),
        changes=tuple((str(change.path), change.action) for change in plan.changes),
        notes=(f"The service is of version {found.old}, as it was",),
    )


def _check_versions(old: str, new: str) -> None:
    if as_numbers(new) > as_numbers(__version__):
        raise UsageError(
            f"This is resonate-scaffold {__version__}, which does not know version {new}",
            f"Install that: pip install resonate-scaffold=={new}",
        )
    if as_numbers(old) > as_numbers(new):
        raise UsageError(
            f"The service is of version {old}, which is newer than {new}", "There is no way back: use git."
        )


def _check_repository(root: Path, *, dry_run: bool) -> None:
    """See that git can take everything back."""
    if not git.available():
        raise GitError("An upgrade needs git, which is not installed", "Install git 2.38 or later.")
    if git.enclosing_repository(root) is None or git.head(root) is None:
        raise GitError(
            f"{root} is in no git repository with a commit", "git init && git add -A && git commit -m 'As it was'"
        )
    if _UnderWay.read(git.own_file(root, _STATE)) is not None:
        raise GitError("An upgrade of this service is under way", _UNDER_WAY)
    if not dry_run and (changed := git.uncommitted(root)):
        names = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
        raise GitError(f"There are changes that are not committed: {names}", "Commit them, or take them back.")


def _working_tree(root: Path) -> Tree:
    """The service's files as they are, of those that git tracks; links and what is very large take no part."""
    executable = {}
    files = {}
    for path, is_executable in git.tracked_files(root).items():
        status = plain.lstat(root / path)
        if status is not None and status.st_size <= _LARGEST and stat.S_ISREG(status.st_mode):
            files[path] = plain.read_file(root / path)
            executable[path] = is_executable
    return Tree(files, frozenset(path for path, can in executable.items() if can))


def _carry_out(root: Path, planned: Upgrade) -> None:
    """Change the working tree. What is under way is written down first: it can be aborted from the first byte on."""
    changes = {change.path: _hash_after(change) for change in planned.plan.changes}
    conflicts = tuple(planned.sides)
    head = git.head(root) or ""
    file = git.own_file(root, _STATE)
    file.write_bytes(_UnderWay(planned.old, planned.new, head, changes, conflicts).to_bytes())
    try:
        disk.apply(root, planned.plan, whole=True)
    except BaseException:
        if not disk.is_unsettled(root):
            file.unlink()
        raise
    if conflicts:
        git.mark_conflicts(root, {path: (it.base, it.ours, it.theirs) for path, it in planned.sides.items()})
    else:
        file.unlink()  # Nothing is left to resolve: `git restore` takes it back as well.


def _hash_after(change: Change) -> str | None:
    match change:
        case Create(content=content) | Edit(after=content):
            return fingerprint(content)
        case Delete():
            return None


def _under_way(start: Path) -> tuple[Path, Path, _UnderWay]:
    root, _ = disk.discover(start, settle=True)
    if not git.available() or git.head(root) is None:
        raise GitError(f"{root} is in no git repository with a commit", "No upgrade can be under way here.")
    file = git.own_file(root, _STATE)
    found = _UnderWay.read(file)
    if found is None:
        raise UsageError("No upgrade is under way here", "Begin one: resonate-scaffold upgrade")
    return root, file, found


def _has_markers(root: Path, path: PurePosixPath, version: str) -> bool:
    if not plain.is_kind(root / path, stat.S_IFREG):
        return False
    # A file that was renamed has its path behind the name of each side.
    markers = rf"^(<<<<<<< yours|>>>>>>> {re.escape(version)})(:|$)".encode()
    return re.search(markers, plain.read_file(root / path), re.MULTILINE) is not None


def _back(root: Path, found: _UnderWay) -> Iterator[Change]:
    """The changes that give every file the content that it had."""
    before = git.contents_at(root, found.head, list(found.changes))
    for path in sorted(found.changes):
        now = plain.read_file(root / path) if plain.is_kind(root / path, stat.S_IFREG) else None
        then = before.get(path)
        if now is None and then is not None:
            yield Create(path, then)
        elif now is not None and then is None:
            yield Delete(path, now)
        elif now is not None and then is not None and now != then:
            yield Edit(path, now, then)


def _as_files(plan: Plan) -> Iterator[tuple[PurePosixPath, tuple[bytes, bool] | None]]:
    for change in plan.changes:
        match change:
            case Create(path, content, executable):
                yield path, (content, executable)
            case Edit(path, _, after):
                yield path, (after, False)
            case Delete(path):
                yield path, None


def _counted(planned: Upgrade) -> str:
    count = len(planned.conflicts)
    return f"{count} {'place' if count == 1 else 'places'}"


def _notes(planned: Upgrade) -> Iterator[str]:
    """What changed for the owner, in words."""
    for entry in entries_between(planned.old, planned.new):
        parts = (("to know", entry.to_know), ("to do by hand", entry.by_hand), ("new settings", entry.settings))
        for title, items in parts:
            if items:
                yield f"Version {entry.version}, {title}:\n" + "\n".join(f"  {item}" for item in items)
    yield from planned.told
    if planned.unlike:
        names = "\n".join(f"  {path}" for path in planned.unlike)
        yield f"Version {planned.old} makes these otherwise today than it did here, so compare them:\n{names}"
    for one in planned.refused:
        yield f"{one.kind} {one.name} stays as it is, and is yours: {one.reason}"
    if planned.edited_runtime:
        names = "\n".join(f"  {path}" for path in planned.edited_runtime)
        yield f"You have edited the runtime; your edits are merged, and `check` goes on to name these:\n{names}"
    if planned.dependencies:
        yield "Dependencies:\n" + "\n".join(f"  {line}" for line in planned.dependencies)
    if planned.migrations:
        yield "New migrations:\n" + "\n".join(f"  {path}" for path in planned.migrations)
    if planned.by_hand:
        lines = "\n".join(f"  {line}" for line in planned.by_hand)
        yield f"Your own code imports what is not there any more; see CHANGELOG.md:\n{lines}"
    if planned.conflicts:
        lines = "\n".join(f"  {it.message.partition('): ')[2] or it.message}" for it in planned.conflicts)
        yield f"{_counted(planned)} could not be merged:\n{lines}"


def _next_steps(planned: Upgrade, project: Project, branch: str | None) -> Iterator[tuple[str, str]]:
    if branch is not None:
        yield f"git switch {branch}", "see it"
    if planned.conflicts:
        yield "git mergetool", "or edit the files with <<<<<<< and git add each"
        yield "resonate-scaffold upgrade --continue", "when all are resolved"
        yield "resonate-scaffold upgrade --abort", "or as it was"
    else:
        yield "git diff" if branch is None else "git diff HEAD~", "what changed"
    yield ".venv/bin/python -m pip install -c constraints.txt -e '.[dev]'", "its dependencies"
    if planned.migrations:
        yield f".venv/bin/{project.package} migrate", "the database"
    yield ".venv/bin/python -m pytest", "its tests"
    if branch is None:
        yield f"git add -A && git commit -m 'Upgrade to resonate-scaffold {planned.new}'", ""
