"""What an upgrade would do, as a value: made of a service's manifest, its records and its files alone."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.forms import form
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import ADDS, MANIFEST, Added, FilesInMemory, Manifest, fingerprint
from resonate_scaffold.upgrade.align import align
from resonate_scaffold.upgrade.codemods import modernize, modernize_one
from resonate_scaffold.upgrade.merge import Conflict, Merged, Sides, merge
from resonate_scaffold.upgrade.moves import moves_between
from resonate_scaffold.upgrade.releases import replay_with
from resonate_scaffold.upgrade.replay import Record, Refused, Replayed
from resonate_scaffold.upgrade.repository import Tree
from resonate_scaffold.upgrade.resolve import keep_deleted, resolve
from resonate_scaffold.upgrade.steps import fit, mend, records_for

Files = Mapping[PurePosixPath, bytes]

_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+(\[[^]]*\])?")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """An upgrade from one version to another.

    ``unlike`` are files that the old version makes otherwise than the service has recorded; ``refused`` are records
    that one of the versions does not add, whose code stays the owner's; ``edited_runtime`` are files of the machinery
    that somebody edited; ``migrations`` are those to run; ``dependencies`` says which moved; ``by_hand`` are lines of
    the owner's code that use what is not there any more; ``told`` says what stays as it was for the sake of what is
    outside of the code.
    """

    old: str
    new: str
    plan: Plan
    conflicts: tuple[Conflict, ...]
    sides: Mapping[PurePosixPath, Sides]
    unlike: tuple[PurePosixPath, ...]
    refused: tuple[Refused, ...]
    edited_runtime: tuple[PurePosixPath, ...]
    migrations: tuple[PurePosixPath, ...]
    dependencies: tuple[str, ...]
    by_hand: tuple[str, ...]
    told: tuple[str, ...]


def plan_upgrade(
    manifest: Manifest, records: Sequence[Added], package: str, ours: Tree, version: str, past: Path | None = None
) -> Upgrade:
    """Plan the upgrade of a service to a version.

    Args:
        records: what was added, in order.
        package: the directory of the service's package.
        ours: all files of the service, as they are.
        past: the code of the release that made the service, where this version does not carry it.

    Raises:
        ScaffoldError: a version's code is not there or fails, or git does.
    """
    asked = [Record(added.kind, added.name, added.options) for added in records]
    base, theirs, refused = _both(manifest, asked, package, ours, version, past)
    name = str(manifest.answers["project_name"])
    fitting, told = fit(manifest.version, version, package, name, base.files, theirs.files)
    theirs = replace(theirs, files=fitting)
    unlike = tuple(_unlike(manifest, records, base, skipped={(one.kind, one.name) for one in refused}))
    own, old = _without_records(ours), _without_records(Tree(base.files, base.executable))
    new = _without_records(Tree(theirs.files, theirs.executable))
    edited = [
        path
        for path, it in old.files.items()
        # The new version's own is no edit: `copier update` may have put it there.
        if _is_machinery(path, package) and own.files.get(path, it) not in (it, new.files.get(path))
    ]
    old, own = align(old, own, new, moves_between(manifest.version, version, package))
    by_lines = merge(old, own, new, version)
    merged, told_before = _resolved(by_lines, old, own, new, (manifest.version, version, package))
    mended, unfinished = mend(manifest.version, version, package, merged.tree.files, new.files)
    own_code = modernize(mended, new.files, package, manifest.version, version)
    # Modules that were there, by which what imported them was sorted; and settings without markers.
    known = {**ours.files, **merged.tree.files, **{path: it.theirs or b"" for path, it in merged.sides.items()}}
    looked_at = [path for path, it in merged.tree.files.items() if it != by_lines.tree.files[path]]
    before = {path: own.files[path] for path in looked_at if path in own.files}
    wanted = {
        **_laid_out({**merged.tree.files, **before}, own_code.files, known),
        **{path: theirs.files[path] for path in theirs.files if _is_record(path)},
    }
    changes = tuple(_changes(ours, Tree(wanted, merged.tree.executable)))
    migrations = tuple(
        sorted(path for path in new.files if path.match("*/db/migrations/versions/*.py") and path not in ours.files)
    )
    return Upgrade(
        manifest.version,
        version,
        Plan(changes),
        merged.conflicts,
        merged.sides,
        unlike,
        refused,
        tuple(sorted(edited)),
        migrations,
        tuple(_moved_dependencies(base, theirs)),
        own_code.left,
        tuple(dict.fromkeys([*told, *told_before, *unfinished])),
    )


def _resolved(
    merged: Merged, base: Tree, ours: Tree, theirs: Tree, names: tuple[str, str, str]
) -> tuple[Merged, list[str]]:
    """A merge that was looked at again, file by file; and what is to be told of the owner's code that was taken along.

    The old version's code, and what the owner made of it, are brought to what the new one has before they are merged:
    what a codemod changes is no difference then. ``names`` are those of both versions and of the package.
    """
    old, new, package = names
    told = list[str]()

    def prepared(path: PurePosixPath, content: bytes) -> bytes:
        mended, more = mend(old, new, package, {path: content}, theirs.files)
        if content == ours.files.get(path):
            told.extend(more)
        return modernize_one(path, mended[path], merged.tree.files, theirs.files, package, old, new)

    kept, gone = keep_deleted(merged)
    resolved = resolve(kept, base, ours, theirs, new, prepared)
    if gone:
        told.append("You deleted these, and they stay so; the new version has them otherwise:" + _indented(gone))
    return resolved, told


def _indented(paths: Sequence[PurePosixPath]) -> str:
    return "".join(f"\n  {path}" for path in paths)


def _both(
    manifest: Manifest, asked: Sequence[Record], package: str, ours: Tree, version: str, past: Path | None
) -> tuple[Replayed, Replayed, tuple[Refused, ...]]:
    """The service as its version made it and as the new one makes it, of the records that both take.

    What one of them refuses belongs to neither: then it counts as the owner's, and a merge leaves it as it is.
    """
    refused: list[Refused] = []
    with ThreadPoolExecutor(1) as beside:
        while True:
            left = [it for it in asked if not any((it.kind, it.name) == (one.kind, one.name) for one in refused)]
            made = beside.submit(replay_with, manifest.version, manifest.answers, left, past)
            # What the records have to be now is seen in what the old version made. The owner's tree mostly says the
            # same, and both versions are at work at once.
            probable = records_for(manifest.version, version, package, ours.files, left)
            theirs = replay_with(version, manifest.answers, probable)
            base = made.result()
            wanted = records_for(manifest.version, version, package, base.files, left)
            if wanted != probable:
                theirs = replay_with(version, manifest.answers, wanted)
            if not base.refused and not theirs.refused:
                return base, theirs, tuple(refused)
            refused += {(one.kind, one.name): one for one in (*base.refused, *theirs.refused)}.values()


def _unlike(
    manifest: Manifest, records: Sequence[Added], base: Replayed, skipped: set[tuple[str, str]]
) -> Iterator[PurePosixPath]:
    """The files that are recorded with another content than the old version makes today."""
    made: dict[str, str] = dict(manifest.files)
    for added in records:
        if (added.kind, added.name) in skipped:
            for name in added.files:
                made.pop(name, None)
        else:
            made.update(added.files)
    edited = {path for added in records for path in added.edits}
    for name, recorded in sorted(made.items()):
        path = PurePosixPath(name)
        content = base.files.get(path)
        if content is None or (name not in edited and not _is_of(recorded, path, content)):
            yield path


def _is_of(recorded: str, path: PurePosixPath, content: bytes) -> bool:
    return recorded == fingerprint(content) or recorded == form(path, content)


def _laid_out(before: Files, after: Files, known: Files) -> Files:
    """The files, those of Python that have changed laid out as they were: formatted, where they were formatted.

    ``known`` are the files that ruff knows: its settings, and the modules that it sorts imports by.
    """
    drafts = [
        Draft(path, before[path], it) for path, it in after.items() if it != before[path] and path.suffix == ".py"
    ]
    return {**after, **lay_out(FilesInMemory(known), drafts)} if drafts else after


def _is_record(path: PurePosixPath) -> bool:
    return path == MANIFEST or path.parent == ADDS


def _is_machinery(path: PurePosixPath, package: str) -> bool:
    return path.parts[:2] == (package, "runtime")


def _without_records(tree: Tree) -> Tree:
    return Tree({path: content for path, content in tree.files.items() if not _is_record(path)}, tree.executable)


def _changes(ours: Tree, wanted: Tree) -> Iterator[Change]:
    for path in sorted(ours.files.keys() | wanted.files.keys()):
        before, after = ours.files.get(path), wanted.files.get(path)
        if before is None and after is not None:
            yield Create(path, after, executable=path in wanted.executable)
        elif before is not None and after is None:
            yield Delete(path, before)
        elif before is not None and after is not None and before != after:
            yield Edit(path, before, after)


def _moved_dependencies(base: Replayed, theirs: Replayed) -> Iterator[str]:
    before, after = _requirements(base), _requirements(theirs)
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"{before[name]} is not needed any more"
        elif name not in before:
            yield f"{after[name]} is new"
        elif before[name] != after[name]:
            yield f"{before[name]} is {after[name]} now"


def _requirements(made: Replayed) -> dict[str, str]:
    """The dependencies of a service, by their names."""
    project = tomllib.loads(made.files[PurePosixPath("pyproject.toml")].decode())["project"]
    found = [*project["dependencies"], *project.get("optional-dependencies", {}).get("dev", [])]
    return {match[0].lower(): text for text in found if (match := _REQUIREMENT.match(text))}
