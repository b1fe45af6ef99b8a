"""`remove`: takes an ``add`` back.

The code says what to take out, of what the record's own files define. In a file that is as the ``add`` left it, the
record knows the bytes that were there before; they are put back where they mean the same as what the code says. A
record is a file of the repository like any other, and whoever writes one could have it put back anything.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath

from resonate_scaffold import layout
from resonate_scaffold.code.facts import Place
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import BrokenSource, ManifestError, StillUsed, Unknown
from resonate_scaffold.fields import closest
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.generators.addition import at
from resonate_scaffold.generators.again import files_made_by
from resonate_scaffold.generators.compose import COMPOSE, without_reads
from resonate_scaffold.generators.contract import TAKEN, package_of
from resonate_scaffold.generators.group import without_process, without_service
from resonate_scaffold.generators.query import FOLDER
from resonate_scaffold.generators.rpc import PROCFILE_DEV, STAND_INS, contracts_folder, stand_in
from resonate_scaffold.generators.webhook import KINDS, SCHEDULED
from resonate_scaffold.names import Name, Noun
from resonate_scaffold.plan import Change, Delete, Edit, Plan
from resonate_scaffold.project import Added, ChangedFiles, Edited, Project, fingerprint
from resonate_scaffold.service.service import Service
from resonate_scaffold.undo import restore

_TEXTS = frozenset({"Procfile", "compose.yaml", str(PROCFILE_DEV)})  # what an `add` edits that is not Python
_SHOWN = 6  # files that a refusal names


def find_added(project: Project, kind: str, name: str) -> Added:
    """The record of what is to be removed.

    Raises:
        Unknown: nothing of that kind and name was added.
    """
    project.check_layout()
    wanted = _spelled(kind, name)
    if found := project.find_add(kind, name):
        return found
    records = project.adds(kind)
    for added in records:
        if _spelled(kind, added.name) == wanted:
            return added
    known = [added.name for added in records]
    raise Unknown(
        f"No {kind} {name} was added to this service", f"Only what `add` made can be removed. {closest(name, known)}"
    )


def _spelled(kind: str, name: str) -> str:
    """A name in the one way in which two that mean the same are equal."""
    if kind == "route":
        method, _, path = name.strip().partition(" ")
        return f"{method.upper()} {path.strip()}"
    return (name.removeprefix("db.") if kind == "db-function" else name).replace("_", "-")


def _changed_files(project: Project, record: Added) -> tuple[PurePosixPath, ...]:
    """The files that the ``add`` made and somebody has changed since, in other ways than by further ``add``s."""
    return tuple(
        path
        for path, made in ((PurePosixPath(path), sha) for path, sha in record.files.items())
        if path in project.files
        and path != PROCFILE_DEV
        and fingerprint(project.files[path]) != made
        and project.is_edited(path)  # by somebody, and not by a further `add`
    )


def _strange_files(
    project: Project, record: Added, after: Mapping[PurePosixPath, bytes | None], *, changed: bool
) -> tuple[PurePosixPath, ...]:
    """The files that are to go by a record, and that its ``add`` does not make; ``changed``: or not like this."""
    made = files_made_by(replace(project, files=_files_after(project, record, after)), record) or {}
    package, then = project.package.encode(), str(project.manifest.answers["package_name"]).encode()

    def is_made(path: PurePosixPath) -> bool:
        if changed or path not in made:
            return path in made
        # A test names the package by the name that it had then.
        as_then = re.sub(rb"\b%s\b" % re.escape(package), then, made[path])
        return any(_is_same_code(project.files[path], it) for it in (made[path], as_then))

    gone = (path for path in map(PurePosixPath, record.files) if path in after and after[path] is None)
    return tuple(path for path in gone if path != PROCFILE_DEV and not is_made(path))


def _files_after(project: Project, record: Added, after: Mapping[PurePosixPath, bytes | None]) -> ChangedFiles:
    """The service's files without any that a record names."""
    return ChangedFiles(project.files, {**after, **dict.fromkeys(map(PurePosixPath, record.files))})


def _is_same_code(content: bytes, made: bytes) -> bool:
    """Whether two files are equal, but for their layout."""
    try:
        return content == made or ast.dump(ast.parse(content)) == ast.dump(ast.parse(made))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def remove(project: Project, record: Added, *, delete_changed: bool = False) -> Plan:
    """Plan the removal of what *record* says was added.

    Raises:
        StillUsed: something that stays refers to it.
        CannotEdit: its wiring cannot be taken out safely.
    """
    recorded, record = record, _located(project, record)
    _check_record(project, recorded, record)
    kept = () if delete_changed else _changed_files(project, record)
    after, doubted = _without(project, record, kept)
    _check_unused(project, record, after)
    if strange := _strange_files(project, record, after, changed=delete_changed):
        kept += strange
        after, doubted = _without(project, record, kept)

    changes: list[Change] = [Delete(recorded.path, project.files[recorded.path])]
    edits: dict[PurePosixPath, bytes] = {}
    for path, content in sorted(after.items()):
        before = project.files[path]
        if content is None:
            changes.append(Delete(path, before))
        elif content != before:
            changes.append(Edit(path, before, content))
            edits[path] = content
    updated = _known_again(project, recorded, edits, _handed_over(project, recorded, record, {*after, *kept}))
    changes += [Edit(path, project.files[path], other.to_bytes()) for path, other in updated.items()]
    notes = tuple(
        f"Kept {path}, which is not what `add` makes: use it otherwise, or delete it"
        if path in strange
        else f"Kept {path}, which was changed since it was made: use it otherwise, or delete it (--yes would have)"
        for path in kept
    ) + tuple(
        f"{path} is taken back by its code: {recorded.path} would put back what `add` has not replaced"
        for path in doubted
    )
    return Plan(tuple(sorted(changes, key=lambda change: change.path)), notes)


def _handed_over(
    project: Project, gone: Added, located: Added, spoken_for: Collection[PurePosixPath]
) -> dict[PurePosixPath, Added]:
    """The record of another function of the group, which gets the files that were made for all functions of it."""
    paths = zip(gone.files.items(), map(PurePosixPath, located.files), strict=True)
    stay = {made: sha for (made, sha), path in paths if path in project.files and path not in spoken_for}
    if not stay:
        return {}
    group = gone.name.rpartition(".")[0]
    others = (one for one in project.adds("rpc") if one != gone and one.name.rpartition(".")[0] == group)
    return {heir.path: replace(heir, files={**heir.files, **stay}) for heir in islice(others, 1)}


def _known_again(
    project: Project, gone: Added, edits: Mapping[PurePosixPath, bytes], updated: Mapping[PurePosixPath, Added]
) -> dict[PurePosixPath, Added]:
    """Have the other records know the files as they are now, so that these do not count as edited by somebody.

    Of each file that nobody else has edited, the last record that edited it is brought up to date. What that record
    could put back byte by byte, it cannot any more. ``updated`` are records that change already; returns all of them.
    """
    known = dict(updated)
    for path, content in edits.items():
        own = gone.edits.get(str(path))
        if project.is_edited(path) or (own is not None and own.undo and project.last_edit(path) == gone):
            continue  # the file is as it was before the `add`, whatever the other records know of it
        last = project.last_edit(path, except_for=gone)
        if last is None or str(path) not in last.edits or last.edits[str(path)].sha256 == fingerprint(content):
            continue
        last = known.get(last.path, last)
        edited = replace(last.edits[str(path)], sha256=fingerprint(content), undo=())
        known[last.path] = replace(last, edits={**last.edits, str(path): edited})
    return known


def _located(project: Project, record: Added) -> Added:
    """The record with the paths of today: the package may have another name than when it was made."""

    def now(path: str) -> str:
        top, _, rest = path.partition("/")
        return path if top == "tests" or not rest else f"{project.package}/{rest}"

    files = {now(path): sha for path, sha in record.files.items()}
    return replace(record, files=files, edits={now(path): edited for path, edited in record.edits.items()})


def _check_record(project: Project, recorded: Added, record: Added) -> None:
    """See that a record names files that an ``add`` may make or edit, and in them only what is of those it made.

    Raises:
        ManifestError: it names something else.
    """

    def refused(what: str) -> ManifestError:
        return ManifestError(
            f"{recorded.path} is wrong: {what} is not of {record.kind} {record.name}",
            f"Restore it: git checkout -- {recorded.path}",
        )

    modules = {f"{_module(project, path)}." for path in record.files}
    names = {Name(record.name).snake, Noun(record.name, TAKEN).snake}
    own = [project.files[path] for path in map(PurePosixPath, record.files) if path in project.files]
    for path in record.files:
        if PurePosixPath(path).suffix != ".py" and path != str(PROCFILE_DEV):
            raise refused(path)
    for path, edited in record.edits.items():
        if PurePosixPath(path).suffix != ".py" and path not in _TEXTS:
            raise refused(path)
        for into, key in edited.lists:
            spelled = layout.text(key).encode()
            if into == KINDS and (key == SCHEDULED or any(spelled in content for content in own)):
                continue  # what the ids of its work begin with
            if not any(key.startswith(module) for module in modules) and key not in {
                record.name,
                Name(record.name).kebab,
            }:
                raise refused(key)
        for defined in edited.defines:
            if defined not in names:
                raise refused(f"{defined} in {path}")


def _without(
    project: Project, record: Added, kept: tuple[PurePosixPath, ...]
) -> tuple[Mapping[PurePosixPath, bytes | None], Sequence[PurePosixPath]]:
    """What each file will be, None for one that goes; and those of which the record says something else."""
    after: dict[PurePosixPath, bytes | None] = {
        path: None
        for path in map(PurePosixPath, record.files)
        if path in project.files and path not in kept and path != PROCFILE_DEV
    }
    doubted, drafts = list[PurePosixPath](), list[Draft]()
    for path, edited in ((PurePosixPath(path), edited) for path, edited in record.edits.items()):
        if path not in project.files or path in (PROCFILE_DEV, COMPOSE if record.kind == "query" else None):
            continue
        content = project.files[path]
        if path.suffix == ".py":
            derived = _taken_out(project, path, edited)
        elif path.name == "Procfile":
            derived = without_process(content, Name(record.name).kebab)
        else:
            derived = without_service(content, record.name)
        before = _before(content, edited)
        if before is not None and not _means(project, path, before, derived):
            doubted.append(path)
            before = None
        after[path] = derived if before is None else before
        if before is None and path.suffix == ".py" and derived != content:
            drafts.append(Draft(path, content, derived))
    if record.kind == "rpc":
        _without_group(project, record, after)
    if record.kind == "query":
        _without_reading(project, after)
    return after | lay_out(project.files, drafts), doubted


def _before(content: bytes, edited: Edited) -> bytes | None:
    """What the record says that a file was, where nobody has edited it since."""
    return restore(content, edited.undo) if edited.undo and fingerprint(content) == edited.sha256 else None


def _means(project: Project, path: PurePosixPath, before: bytes, derived: bytes) -> bool:
    """Whether what a record would put back is what the code says, but for layout, comments that are there, and imports.

    Of imports it may keep some that are there: those that nothing used before the ``add`` either.
    """
    content = project.files[path]
    if path.suffix != ".py":
        return _lines(before) == _lines(derived)
    try:
        old, new, now = (Source.parse(path, text, project.package).tree for text in (before, derived, content))
        comments = Counter(_comments(before)) - Counter(_comments(content))
    except (BrokenSource, tokenize.TokenError, SyntaxError):
        return False
    return (
        _dumped(old, imports=False) == _dumped(new, imports=False)
        and not Counter(_dumped(old, imports=True)) - Counter(_dumped(now, imports=True))
        and not comments
    )


def _lines(text: bytes) -> list[bytes]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def _dumped(tree: ast.Module, *, imports: bool) -> list[str]:
    """The statements of a module: those that import, a text for each name, or all others."""
    found = []
    for statement in tree.body:
        match statement:
            case ast.Import(names):
                found += [ast.dump(name) for name in names] if imports else []
            case ast.ImportFrom(module, names, level):
                found += [f"{level} {module} {ast.dump(name)}" for name in names] if imports else []
            case _:
                found += [] if imports else [ast.dump(statement)]
    return found


def _comments(text: bytes) -> list[str]:
    tokens = tokenize.tokenize(io.BytesIO(text).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _without_group(project: Project, record: Added, after: dict[PurePosixPath, bytes | None]) -> None:
    """What goes with the last function of a group that another team serves: its package, the stand-ins' process.

    Before that, both stay, whichever function was the first.
    """
    group = record.name.rpartition(".")[0]
    if any(item.name == group for item in Service(project).groups):
        return
    folder = PurePosixPath(project.package, "contracts", contracts_folder(group))
    package = folder / "__init__.py"
    after.pop(package, None)
    if any(path != package and path not in after for path in project.files.below(folder)):
        return
    if project.files.get(package) == package_of(group):
        after[package] = None
    if PROCFILE_DEV in project.files:
        after[PROCFILE_DEV] = _without_stand_in(project, record, group)


def _without_reading(project: Project, after: dict[PurePosixPath, bytes | None]) -> None:
    """With the last query the API's way to the database goes; before that it stays, and so does the package."""
    package = PurePosixPath(project.package, *FOLDER.split("."), "__init__.py")
    if any(path not in after and path != package for path in project.files.below(package.parent)):
        after.pop(package, None)
    elif COMPOSE in project.files:
        after[COMPOSE] = without_reads(project.files[COMPOSE])


def _taken_out(project: Project, path: PurePosixPath, edited: Edited) -> bytes:
    source = Source.parse(path, project.files[path], project.package)
    for name, key in edited.lists:
        source = source.remove_from_list(name, key)
    return source.remove_definitions(edited.defines).content


def _without_stand_in(project: Project, record: Added, group: str) -> bytes | None:
    content = project.files[PROCFILE_DEV]
    edited = record.edits.get(str(PROCFILE_DEV))
    rest = without_process(content, stand_in(group))
    before = None if edited is None else _before(content, edited)
    if before is not None and _lines(before) == _lines(rest):
        return before
    return None if rest.split() in ([], STAND_INS.encode().split()) else rest


def _check_unused(project: Project, record: Added, after: Mapping[PurePosixPath, bytes | None]) -> None:
    """Refuse where something that stays names what goes."""
    if record.kind == "group":
        inside = [item for item in Service(project).contracts if item.group == record.name]
        if inside:
            shown = ", ".join(f"{item.durable} ({at(item.place)})" for item in inside[:_SHOWN])
            raise StillUsed(f"Group {record.name} still has {shown}", "Remove what it serves first.")
    names = {f"{_module(project, path)}.{name}" for path, edited in record.edits.items() for name in edited.defines}
    gone = [path for path, content in after.items() if content is None and path.suffix == ".py"]
    names |= {_module(project, str(path)) for path in gone if path.parts[0] == project.package}
    # What goes is there to be followed to, and is no user itself.
    staying = {path: content for path, content in after.items() if content is not None}
    rest = Service(replace(project, files=ChangedFiles(project.files, staying)))
    leaving = [*gone, *map(PurePosixPath, record.files)]
    places = {place for _, place in rest.references(names, leaving)}
    places |= {place for place in rest.uses_by_name(gone) if PurePosixPath(place.path) not in leaving}
    if record.kind == "workflow":
        places |= set(_roots(rest, record.name))
    if places:
        firsts = {place.path: place for place in sorted(places, reverse=True)}  # of each file
        shown = ", ".join(at(place) for place in sorted(firsts.values())[:_SHOWN])
        more = f" and in {len(firsts) - _SHOWN} more files" if len(firsts) > _SHOWN else ""
        raise StillUsed(f"{record.kind} {record.name} is still used: {shown}{more}", "Remove what uses it first.")


def _roots(service: Service, durable: str) -> Iterator[Place]:
    """Where the API names the jobs of a workflow: a webhook knows it by its ids alone."""
    for path in service.project.files:
        if path.parts[:2] == (service.project.package, "api") and durable.encode() in service.project.files[path]:
            yield from (Place(str(path), line) for kind, line in service.kinds_in(path) if kind == durable)


def _module(project: Project, path: str) -> str:
    """A file's module, without the package."""
    return path.removeprefix(f"{project.package}/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
