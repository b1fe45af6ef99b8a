"""`remove`: takes an ``add`` back.

A file that is as the ``add`` left it gets every byte back; in one that somebody has edited since, the syntax tree says
what to take out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from resonate_scaffold.errors import BrokenSource, ManifestError, StillUsed, Unknown
from resonate_scaffold.fields import closest
from resonate_scaffold.generators.contract import module_of
from resonate_scaffold.generators.group import without_process, without_service
from resonate_scaffold.generators.growth import at
from resonate_scaffold.generators.rpc import PROCFILE_DEV, STAND_INS
from resonate_scaffold.plan import Change, Delete, Edit, Plan
from resonate_scaffold.project import MANIFEST, Added, Edited, Project, fingerprint, restore, with_change
from resonate_scaffold.source import Source
from resonate_scaffold.survey import Place, Survey

_SHOWN = 6  # files that a refusal names


def find_added(project: Project, kind: str, name: str) -> Added:
    """The record of what is to be removed.

    Raises:
        Unknown: nothing of that kind and name was added.
    """
    wanted = _spelled(kind, name)
    for added in project.manifest.adds:
        if added.kind == kind and _spelled(kind, added.name) == wanted:
            return added
    known = [added.name for added in project.manifest.adds if added.kind == kind]
    raise Unknown(
        f"No {kind} {name} was added to this service", f"Only what `add` made can be removed. {closest(name, known)}"
    )


def _spelled(kind: str, name: str) -> str:
    """A name in the one way in which two that mean the same are equal."""
    if kind == "route":
        method, _, path = name.strip().partition(" ")
        return f"{method.upper()} {path.strip()}"
    return (name.removeprefix("db.") if kind == "db-function" else name).replace("_", "-")


def changed_files(project: Project, record: Added) -> tuple[PurePosixPath, ...]:
    """The files that the ``add`` made and somebody has changed since, in other ways than by further ``add``s."""
    return tuple(
        path
        for path, made in ((PurePosixPath(path), sha) for path, sha in record.files.items())
        if path in project.files
        and str(path) not in record.edits
        and path != PROCFILE_DEV
        and fingerprint(project.files[path]) != made
    )


def remove(project: Project, record: Added, *, delete_changed: bool = False) -> Plan:
    """Plan the removal of what *record* says was added.

    Raises:
        StillUsed: something that stays refers to it.
        CannotEdit: its wiring cannot be taken out safely.
    """
    recorded, record = record, _located(project, record)
    kept = () if delete_changed else changed_files(project, record)
    after = _without(project, record, kept)
    _check_unused(project, record, after)

    manifest = project.manifest
    changes: list[Change] = []
    for path, content in sorted(after.items()):
        before = project.files[path]
        if content == before:
            continue
        changes.append(Delete(path, before) if content is None else Edit(path, before, content))
        manifest = with_change(manifest, path, before, content)
    # What is kept is no file of the tool's any more; and what somebody has deleted or renamed before is none.
    gone = {path for path in recorded.files if PurePosixPath(path) not in project.files}
    forgotten = {str(path) for path in kept} | gone
    files = {path: sha for path, sha in manifest.files.items() if path not in forgotten}
    adds = tuple(added for added in manifest.adds if added != recorded)
    manifest = replace(manifest, files=files, adds=adds)
    changes.append(Edit(MANIFEST, project.files[MANIFEST], manifest.to_bytes()))
    notes = tuple(
        f"Kept {path}, which was changed since it was made (--yes deletes it, too): it may use what is gone"
        for path in kept
    )
    return Plan(tuple(sorted(changes, key=lambda change: change.path)), notes)


def _located(project: Project, record: Added) -> Added:
    """The record with the paths of today: the package may have another name than when it was made."""

    def now(path: str) -> str:
        top, _, rest = path.partition("/")
        return path if top == "tests" or not rest else f"{project.package}/{rest}"

    files = {now(path): sha for path, sha in record.files.items()}
    return replace(record, files=files, edits={now(path): edited for path, edited in record.edits.items()})


def _without(project: Project, record: Added, kept: tuple[PurePosixPath, ...]) -> Mapping[PurePosixPath, bytes | None]:
    """What each file will be; None for one that goes."""
    after: dict[PurePosixPath, bytes | None] = {}
    shared = _shares_its_group(project, record)
    for path in map(PurePosixPath, record.files):
        if path in project.files and path not in kept and str(path) not in record.edits and path != PROCFILE_DEV:
            after[path] = None
    for path, edited in ((PurePosixPath(path), edited) for path, edited in record.edits.items()):
        if path not in project.files or path == PROCFILE_DEV:
            continue
        content = project.files[path]
        if str(path) in record.files and fingerprint(content) == edited.sha256:
            after[path] = None
        elif edited.undo and fingerprint(content) == edited.sha256:
            after[path] = _restored(project, path, edited)
        elif path.suffix == ".py":
            after[path] = _taken_out(project, path, edited)
            if record.kind == "rpc" and not shared and _is_foreign(project, record) and _is_bare(after[path], record):
                after[path] = None
        elif path.name == "Procfile":
            after[path] = without_process(content, record.name)
        else:
            after[path] = without_service(content, record.name)
    if record.kind == "rpc" and not shared and PROCFILE_DEV in project.files and _is_foreign(project, record):
        after[PROCFILE_DEV] = _without_stand_in(project, record)
    return after


def _restored(project: Project, path: PurePosixPath, edited: Edited) -> bytes:
    content = restore(project.files[path], edited.undo)
    if path.suffix == ".py":
        try:
            Source.parse(path, content, project.package)
        except BrokenSource as error:
            raise ManifestError(
                f"{MANIFEST} has a wrong record of {path}: taking that back would leave no Python ({error.message})",
                f"Restore it: git checkout -- {MANIFEST}",
            ) from error
    return content


def _taken_out(project: Project, path: PurePosixPath, edited: Edited) -> bytes:
    source = Source.parse(path, project.files[path], project.package)
    for name, key in edited.lists:
        source = source.remove_from_list(name, key)
    return source.remove_definitions(edited.defines).content


def _without_stand_in(project: Project, record: Added) -> bytes | None:
    content = project.files[PROCFILE_DEV]
    edited = record.edits.get(str(PROCFILE_DEV))
    if edited is not None and edited.sha256 == fingerprint(content):
        return restore(content, edited.undo)
    rest = without_process(content, f"fake-{record.name.partition('.')[0]}")
    return None if rest.split() in ([], STAND_INS.encode().split()) else rest


def _shares_its_group(project: Project, record: Added) -> bool:
    """Whether other contracts of an rpc's group stay."""
    group = record.name.partition(".")[0]
    return any(contract.group == group and contract.durable != record.name for contract in Survey(project).contracts)


def _is_foreign(project: Project, record: Added) -> bool:
    group = record.name.partition(".")[0]
    return not any(item.name == group for item in Survey(project).groups)


def _is_bare(content: bytes | None, record: Added) -> bool:
    """Whether a contracts file holds nothing that somebody has written: only imports, and the docstring it got."""
    if content is None or re.search(rb"(?m)(?:^|\s)#", content):
        return False
    made = ast.parse(module_of(record.name.partition(".")[0]))
    return all(
        isinstance(node, ast.Import | ast.ImportFrom) or ast.dump(node) == ast.dump(made.body[0])
        for node in ast.parse(content).body
    )


def _check_unused(project: Project, record: Added, after: Mapping[PurePosixPath, bytes | None]) -> None:
    """Refuse where something that stays names what goes."""
    if record.kind == "group":
        inside = [item for item in Survey(project).contracts if item.group == record.name]
        if inside:
            shown = ", ".join(f"{item.durable} ({at(item.place)})" for item in inside[:_SHOWN])
            raise StillUsed(f"Group {record.name} still has {shown}", "Remove what it serves first.")
    names = {f"{_module(project, path)}.{name}" for path, edited in record.edits.items() for name in edited.defines}
    gone = [path for path, content in after.items() if content is None and path.suffix == ".py"]
    names |= {_module(project, str(path)) for path in gone if path.parts[0] == project.package}
    files = {path: content for path, content in project.files.items() if path not in after}
    files |= {path: content for path, content in after.items() if content is not None}
    rest = Survey(replace(project, files=files))
    places = {place for _, place in rest.references(names, [PurePosixPath(path) for path in record.files])}
    if record.kind == "workflow":
        places |= set(_roots(rest, record.name))
    if places:
        firsts = {place.path: place for place in sorted(places, reverse=True)}  # of each file
        shown = ", ".join(at(place) for place in sorted(firsts.values())[:_SHOWN])
        more = f" and in {len(firsts) - _SHOWN} more files" if len(firsts) > _SHOWN else ""
        raise StillUsed(f"{record.kind} {record.name} is still used: {shown}{more}", "Remove what uses it first.")


def _roots(survey: Survey, durable: str) -> Iterator[Place]:
    """Where the API names the jobs of a workflow: a webhook knows it by its ids alone."""
    for path in survey.project.files:
        if path.parts[:2] == (survey.project.package, "api") and durable.encode() in survey.project.files[path]:
            for node in ast.walk(survey.source(path).tree):
                match node:
                    case ast.Call(func=ast.Attribute(attr="root"), args=[ast.Constant(value=value), *_]):
                        if value == durable:
                            yield Place(str(path), node.lineno)


def _module(project: Project, path: str) -> str:
    """A file's module, without the package."""
    return path.removeprefix(f"{project.package}/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
