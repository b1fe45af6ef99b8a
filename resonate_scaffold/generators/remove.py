"""`remove`: takes an ``add`` back, as a whole or not at all.

The record names its files, and in others the elements of lists and the definitions: the code says where these are. A
record is a file of the repository like any other, and whoever writes one could have it name anything; so what it names
has to be what its ``add`` makes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from resonate_scaffold import layout
from resonate_scaffold.code.facts import Place
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import ChangedSince, ManifestError, StillUsed, Unknown
from resonate_scaffold.fields import closest
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.forms import is_same
from resonate_scaffold.generators.addition import at
from resonate_scaffold.generators.again import files_made_by
from resonate_scaffold.generators.client import ENV_EXAMPLE, PARTS, without_settings
from resonate_scaffold.generators.compose import COMPOSE, without_reads, without_secret
from resonate_scaffold.generators.contract import TAKEN, package_of
from resonate_scaffold.generators.deploy import remove_deploy
from resonate_scaffold.generators.entities import fields_added, referring
from resonate_scaffold.generators.group import without_process, without_service
from resonate_scaffold.generators.migrations import reversed_step
from resonate_scaffold.generators.query import FOLDER
from resonate_scaffold.generators.rpc import PROCFILE_DEV, STAND_INS, contracts_folder, stand_in
from resonate_scaffold.generators.webhook import KINDS, SCHEDULED
from resonate_scaffold.names import Name, Noun
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import Added, ChangedFiles, Edited, Project
from resonate_scaffold.service.renaming import listed_kinds
from resonate_scaffold.service.service import Service

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


def _changed_files(
    project: Project, record: Added, made: Mapping[PurePosixPath, bytes] | None
) -> tuple[PurePosixPath, ...]:
    """The files that the ``add`` made and somebody has changed since, in more than their layout."""
    package, then = project.package.encode(), str(project.manifest.answers["package_name"]).encode()

    def is_made(path: PurePosixPath) -> bool:
        # A test names the package by the name that it had then.
        again = (made or {}).get(path, b"")
        as_then = re.sub(rb"\b%s\b" % re.escape(package), then, again)
        return any(is_same(path, project.files[path], it) for it in (again, as_then))

    shared = (PROCFILE_DEV, _package(project, record.name) if record.kind == "rpc" else None)
    paths = (path for path in map(PurePosixPath, record.files) if path in project.files and path not in shared)
    return tuple(path for path in paths if project.is_changed(path, record.files[str(path)]) and not is_made(path))


def _check_files(project: Project, recorded: Added, record: Added, made: Mapping[PurePosixPath, bytes] | None) -> None:
    """See that a record names files that its ``add`` makes: whoever writes one could have any file deleted.

    What cannot be made again, since what it was made of is another by now, is known by its name.

    Raises:
        ManifestError: it names something else.
    """
    words = set(re.findall(r"[a-z0-9]+", str(record.options.get("name") or record.name).lower()))
    words -= {"get", "post", "put", "patch", "delete"}
    for path in map(PurePosixPath, record.files):
        own = words <= set(re.findall(r"[a-z0-9]+", str(path).lower())) if made is None else path in made
        shared = path == PROCFILE_DEV or (record.kind == "rpc" and path == _package(project, record.name))
        if not own and not shared:
            raise _wrong(recorded, str(path))


def _wrong(recorded: Added, what: str) -> ManifestError:
    return ManifestError(
        f"{recorded.path} is wrong: {what} is not of {recorded.kind} {recorded.name}",
        f"Restore it: git checkout -- {recorded.path}",
    )


def _files_after(project: Project, record: Added, after: Mapping[PurePosixPath, bytes | None]) -> ChangedFiles:
    """The service's files without any that a record names."""
    return ChangedFiles(project.files, {**after, **dict.fromkeys(map(PurePosixPath, record.files))})


def remove(project: Project, record: Added, *, delete_changed: bool = False) -> Plan:
    """Plan the removal of what *record* says was added: all of it, or nothing.

    Raises:
        StillUsed: something that stays refers to it.
        ChangedSince: somebody has changed one of its files, and ``delete_changed`` is not given.
        CannotEdit: its wiring cannot be taken out safely.
    """
    if record.kind == "deploy":
        return remove_deploy(project, record, delete_changed=delete_changed)
    recorded, record = record, _located(project, record)
    _check_record(project, recorded, record)
    after = _without(project, record)
    _check_unused(project, record, after)
    made = files_made_by(replace(project, files=_files_after(project, record, after)), record)
    _check_files(project, recorded, record, made)
    changed = () if delete_changed else _changed_files(project, record, made)
    if changed:
        raise ChangedSince(
            f"{', '.join(map(str, changed))}: changed since {record.kind} {record.name} was added",
            "With --yes it is removed all the same; or keep all of it: nothing was taken out.",
        )
    records = [it for it in project.adds(recorded.kind) if it.name == recorded.name]  # one of each branch, if merged
    changes: list[Change] = [Delete(it.path, project.files[it.path]) for it in records]
    told: list[str] = []
    if step := reversed_step(project, record, [path for path, content in after.items() if content is None]):
        after = {path: content for path, content in after.items() if path != step.reverses}
        changes.append(Create(step.path, step.content))
        told.append(f"Kept {step.reverses.name}, on which later migrations stand: {step.path.name} takes it back")
    elif "migration" in record.options:
        told.append(
            f"A database that {record.options['migration']} was run on is ahead then: before it is removed, "
            f"`{project.package} downgrade` takes that back"
        )
    for path, content in after.items():
        before = project.files[path]
        if content is None:
            changes.append(Delete(path, before))
        elif content != before:
            changes.append(Edit(path, before, content))
    return Plan(tuple(sorted(changes, key=lambda change: change.path)), tuple(told))


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

    modules = {f"{_module(project, path)}." for path in record.files}
    defines = _defined_by(record)
    own = [project.files[path] for path in map(PurePosixPath, record.files) if path in project.files]
    for path in record.files:
        if PurePosixPath(path).suffix != ".py" and path != str(PROCFILE_DEV):
            raise _wrong(recorded, path)
    for path, edited in record.edits.items():
        is_of_client = record.kind == "client" and path == str(ENV_EXAMPLE)
        if PurePosixPath(path).suffix != ".py" and path not in _TEXTS and not is_of_client:
            raise _wrong(recorded, path)
        for into, key in edited.lists:
            spelled = layout.text(key).encode()
            if into == KINDS and (key == SCHEDULED or any(spelled in content for content in own)):
                continue  # what the ids of its work begin with
            if not any(key.startswith(module) for module in modules) and key not in {
                record.name,
                Name(record.name).kebab,
            }:
                raise _wrong(recorded, key)
        for defined in edited.defines:
            if defined not in defines:
                raise _wrong(recorded, f"{defined} in {path}")


def _defined_by(record: Added) -> set[str]:
    """What an ``add`` may define in files that were there: names, and of a field those of the classes that have it."""
    match record.kind:
        case "client":
            return {f"Settings.{Name(record.name).snake}_{part}" for part in PARTS}
        case "entity":
            return {f"{Name(record.name).pascal}Row"}
        case "field":
            entity, _, field = record.name.partition(" ")
            pascal = Name(entity).pascal
            return {f"{class_}.{field}" for class_ in (f"New{pascal}", f"{pascal}Changes", f"{pascal}Row")}
    return {Name(record.name).snake, Noun(record.name, TAKEN).snake}


def _without(project: Project, record: Added) -> Mapping[PurePosixPath, bytes | None]:
    """What each file will be, None for one that goes."""
    package = _package(project, record.name) if record.kind == "rpc" else None  # shared by the functions of a group
    after: dict[PurePosixPath, bytes | None] = {
        path: None
        for path in map(PurePosixPath, record.files)
        if path in project.files and path not in (package, PROCFILE_DEV)
    }
    drafts: list[Draft] = []
    for path, edited in ((PurePosixPath(path), edited) for path, edited in record.edits.items()):
        has_own_way = path == COMPOSE and record.kind not in ("group", "client")
        if path not in project.files or path == PROCFILE_DEV or has_own_way:
            continue
        content = project.files[path]
        if path.suffix == ".py":
            after[path] = derived = taken_out(project, path, edited)
            if derived != content:
                drafts.append(Draft(path, content, derived))
        elif path.name == "Procfile":
            after[path] = without_process(content, Name(record.name).kebab)
        elif path == ENV_EXAMPLE:
            after[path] = without_settings(content, Noun(record.name))
        elif record.kind == "client":
            after[path] = without_secret(content, f"{Name(record.name).snake.upper()}_TOKEN")
        else:
            after[path] = without_service(content, record.name)
    if record.kind == "rpc":
        _without_group(project, record, after)
    queries = PurePosixPath(project.package, *FOLDER.split("."))
    if any(path.parent == queries for path in after):
        _without_reading(project, queries / "__init__.py", after)
    return after | lay_out(project.files, drafts)


def _without_group(project: Project, record: Added, after: dict[PurePosixPath, bytes | None]) -> None:
    """What goes with the last function of a group that another team serves: its package, the stand-ins' process.

    Before that, both stay, whichever function was the first.
    """
    group = record.name.rpartition(".")[0]
    if any(item.name == group for item in Service(project).groups):
        return
    package = _package(project, record.name)
    folder = package.parent
    if any(path != package and path not in after for path in project.files.below(folder)):
        return
    if package in project.files and is_same(package, project.files[package], package_of(group)):
        after[package] = None
    if PROCFILE_DEV in project.files:
        rest = without_process(project.files[PROCFILE_DEV], stand_in(group))
        after[PROCFILE_DEV] = None if rest.split() in ([], STAND_INS.encode().split()) else rest


def _without_reading(project: Project, package: PurePosixPath, after: dict[PurePosixPath, bytes | None]) -> None:
    """With the last query the API's way to the database goes; before that it stays, and so does the package."""
    if any(path not in after and path != package for path in project.files.below(package.parent)):
        after.pop(package, None)
    elif COMPOSE in project.files:
        after[COMPOSE] = without_reads(project.files[COMPOSE])


def _package(project: Project, target: str) -> PurePosixPath:
    """The `__init__.py` of the contracts of a function's group, which all functions of it share."""
    folder = contracts_folder(target.rpartition(".")[0])
    return PurePosixPath(project.package, "contracts", folder, "__init__.py")


def taken_out(project: Project, path: PurePosixPath, edited: Edited) -> bytes:
    """A file of Python without what an ``add`` put into it."""
    source = Source.parse(path, project.files[path], project.package)
    for name, key in edited.lists:
        source = source.remove_from_list(name, key)
    for class_, _, field in (name.partition(".") for name in edited.defines if "." in name):
        source = source.remove_field(class_, field)
    return source.remove_definitions([name for name in edited.defines if "." not in name]).content


def _check_unused(project: Project, record: Added, after: Mapping[PurePosixPath, bytes | None]) -> None:
    """Refuse where something that stays names what goes."""
    if record.kind == "group":
        inside = [item for item in Service(project).contracts if item.group == record.name]
        if inside:
            shown = ", ".join(f"{item.durable} ({at(item.place)})" for item in inside[:_SHOWN])
            raise StillUsed(f"Group {record.name} still has {shown}", "Remove what it serves first.")
        opened = [it.name for it in Service(project).clients if record.name in it.groups]
        if opened:
            raise StillUsed(
                f"Group {record.name} still has client {', '.join(opened[:_SHOWN])}", "Remove what it opens first."
            )
    if record.kind == "entity":
        users = [*(f"field {it.name}" for it in fields_added(project, record.name)), *referring(project, record.name)]
        if users:
            raise StillUsed(f"Entity {record.name} still has {', '.join(users[:_SHOWN])}", "Remove these first.")
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
        service = Service(project)
        contracts = [service.program.modules[path] for path in gone if path.parts[1] == "contracts"]
        own = [it.name for it in service.near.contracts_in(contracts) if it.name is not None]
        places |= {place for durable in own for place in _roots(rest, durable)}
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
            yield from (Place.of(scope, kind) for scope, kind in listed_kinds(service, path) if kind.value == durable)


def _module(project: Project, path: str) -> str:
    """A file's module, without the package."""
    return path.removeprefix(f"{project.package}/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
