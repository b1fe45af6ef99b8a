"""`remove example`: takes the sample business out of a service that `new` made with it.

What is left is what `new --bare` makes, and what was added. The template is rendered with and without the example: what
differs goes, where it is as it was. Lists and definitions are found by the code, the rest line by line.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from resonate_scaffold.code.facts import Place
from resonate_scaffold.edit.merge import merged
from resonate_scaffold.edit.names import loaded_names
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import CannotEdit, ChangedSince, StillUsed, UsageError
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.forms import is_same
from resonate_scaffold.generators.addition import at
from resonate_scaffold.generators.project import ENV, new_project
from resonate_scaffold.generators.rpc import PROCFILE_DEV, STAND_INS
from resonate_scaffold.generators.webhook import KINDS
from resonate_scaffold.plan import Change, Create, Delete, Edit, Plan
from resonate_scaffold.project import MANIFEST, ChangedFiles, Project, fingerprint
from resonate_scaffold.service.names import module_name
from resonate_scaffold.service.service import Service
from resonate_scaffold.templates import builtin_questions, complete_answers, render_builtin

_LISTS = ("ROUTERS", "SERVED", "SCHEDULES")
_SNAPSHOT = PurePosixPath("tests/contracts.json")
_SHOWN = 6
Contents = Mapping[PurePosixPath, bytes]


def remove_example(project: Project, *, delete_changed: bool = False) -> Plan:
    """Plan the removal of the example.

    Raises:
        StillUsed: something that stays needs it.
        ChangedSince: somebody has changed one of its files, and ``delete_changed`` is not given.
        CannotEdit: code of it cannot be taken out safely.
    """
    project.check_layout()
    if project.manifest.answers.get("bare"):
        return Plan((), ("There is no example in this service: nothing to do",))
    if project.manifest.template.get("name") != "builtin":
        raise UsageError("This service is of another template, whose example is not known", "Take it out by hand.")
    example, bare = _made(project, bare=False), _made(project, bare=True)
    gone = [path for path in sorted(example.keys() - bare.keys()) if path in project.files]
    after: dict[PurePosixPath, bytes | None] = dict.fromkeys(gone)
    notes: list[str] = []
    if _SNAPSHOT in after:
        after[_SNAPSHOT] = _without_contracts(project.files[_SNAPSHOT], example[_SNAPSHOT])
    if PROCFILE_DEV in after:
        known = example[PROCFILE_DEV].splitlines(keepends=True)
        rest = b"".join(line for line in project.files[PROCFILE_DEV].splitlines(keepends=True) if line not in known)
        after[PROCFILE_DEV] = STAND_INS.encode() + rest if rest.strip() else None
    defined: set[str] = set()
    for path in sorted(example.keys() & bare.keys()):
        if path not in project.files or example[path] == bare[path] or path == MANIFEST:
            continue
        if path.suffix == ".py":
            after[path], names = _code_without(project, path, example[path], bare[path])
            defined |= names
        else:
            after[path], lines = merged(example[path], bare[path], project.files[path])
            notes += [f"{path} is not as it was, and may still speak of the example"] if lines else []
    edited = ((path, content) for path, content in after.items() if content is not None and path.suffix == ".py")
    after |= lay_out(project.files, (Draft(path, project.files[path], content) for path, content in edited))
    after |= _migrations(project, gone, notes)
    _check_unused(project, after, defined, _settings(example, bare))
    changed = [] if delete_changed else _changed(project, gone, after, example)
    if changed:
        raise ChangedSince(
            f"{', '.join(map(str, changed[:_SHOWN]))}: changed since `new` made {'them' if changed[1:] else 'it'}",
            "With --yes the example is removed all the same; or keep all of it: nothing was taken out.",
        )
    after[MANIFEST] = _manifest(project, after, bare)
    return Plan(tuple(_changes(project, after)), tuple(notes))


def _changes(project: Project, after: Mapping[PurePosixPath, bytes | None]) -> Iterator[Change]:
    for path, content in sorted(after.items()):
        before = project.files.get(path)
        if before is None and content is not None:
            yield Create(path, content)
        elif before is not None and content is None:
            yield Delete(path, before)
        elif before is not None and content is not None and before != content:
            yield Edit(path, before, content)


def _made(project: Project, *, bare: bool) -> Contents:
    """What `new` makes with these answers, for the package as it is called today."""
    asked = {question.name for question in builtin_questions()}
    answers = {name: value for name, value in project.manifest.answers.items() if name in asked}
    answers |= {"bare": bare, "package_name": project.package}
    rendering = render_builtin(complete_answers(answers))
    plan = new_project(rendering, version=project.manifest.version, secret="")
    return {it.path: it.content for it in plan.changes if isinstance(it, Create) and it.path != ENV}


def _changed(
    project: Project, gone: list[PurePosixPath], after: Mapping[PurePosixPath, bytes | None], example: Contents
) -> list[PurePosixPath]:
    """The files that go, and that are not as `new` made them."""
    return [
        path
        for path in gone
        if after[path] is None
        and path not in (_SNAPSHOT, PROCFILE_DEV)
        and not is_same(path, project.files[path], example[path])
        and fingerprint(project.files[path]) != project.manifest.files.get(str(path))
    ]


def _without_contracts(snapshot: bytes, example: bytes) -> bytes | None:
    """The recorded contracts without those of the example."""
    try:
        found, known = json.loads(snapshot), json.loads(example)
        left = {part: {name: it for name, it in found[part].items() if name not in known[part]} for part in known}
    except (ValueError, KeyError, AttributeError):
        return None
    return (
        (json.dumps(left, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode() if any(left.values()) else None
    )


def _code_without(project: Project, path: PurePosixPath, base: bytes, bare: bytes) -> tuple[bytes, set[str]]:
    """A module without what only the example has in it, and the qualified names of what it defined there."""
    was, wanted, mine = (Source.parse(path, text, project.package) for text in (base, bare, project.files[path]))
    for name in _LISTS:
        for key in _elements(was, name):
            was, mine = was.remove_from_list(name, key), mine.remove_from_list(name, key)
    names = [name for name in was.definitions() if name not in wanted.definitions()]
    was = was.remove_definitions(names)
    there = mine
    mine = mine.remove_definitions([name for name in names if name in mine.definitions()])
    content, left = merged(was.content, wanted.content, _importing_as(mine, was))
    if left:
        raise CannotEdit(
            f"{path}: what the example has there was changed since `new` made it",
            f"Take out of {path} yourself what `new --bare` does not make, then run this again.",
        )
    return _with_imports(there, Source.parse(path, content, project.package)).content, {
        f"{module_name(path, project.package)}.{name}" for name in names
    }


def _elements(source: Source, name: str) -> list[str]:
    """What the elements of a list refer to."""
    match source.definitions().get(name):
        case ast.Assign(value=ast.List(elts=elements)) | ast.AnnAssign(value=ast.List(elts=elements)):
            return [key for it in elements if (key := source.qualified(it)) is not None]
    return []


def _importing_as(mine: Source, was: Source) -> bytes:
    """A module whose imports are spelled as in another one, where both import from the same place.

    Lines that two have changed could not be merged. What is missing then is imported again.
    """
    spelled = {was._base(node): node for node in was.tree.body if isinstance(node, ast.ImportFrom)}
    content = mine.content
    for node in reversed(mine.tree.body):
        known = spelled.get(mine._base(node)) if isinstance(node, ast.ImportFrom) else None
        if known is not None:
            (start, end), (first, last) = mine._span(node), was._span(known)
            content = content[:start] + was.content[first:last] + content[end:]
    return content


def _with_imports(before: Source, after: Source) -> Source:
    """A module with the imports that went and that something else in it needs."""
    used, bound = loaded_names([after.tree]), {alias for alias, _, _ in after._bound}
    for node in before.tree.body:
        if isinstance(node, ast.ImportFrom):
            base = before._base(node)
            for alias in node.names:
                local = alias.asname or alias.name
                if base is not None and local in used - bound:
                    after, _ = after.bind(base, alias.name, local)
    return after


def _settings(example: Contents, bare: Contents) -> set[str]:
    """The settings that only the example has."""

    def fields(contents: Contents) -> set[str]:
        found = (ast.walk(ast.parse(text)) for path, text in contents.items() if path.name == "settings.py")
        nodes = (node for tree in found for node in tree if isinstance(node, ast.AnnAssign))
        return {node.target.id for node in nodes if isinstance(node.target, ast.Name)}

    return fields(example) - fields(bare)


def _check_unused(
    project: Project, after: Mapping[PurePosixPath, bytes | None], defined: set[str], settings: set[str]
) -> None:
    """Refuse where something that stays needs what goes."""
    gone = [path for path, content in after.items() if content is None and path.suffix == ".py"]
    package = [path for path in gone if path.parts[0] == project.package]
    names = {module_name(path, project.package) for path in package} | defined
    staying = {path: content for path, content in after.items() if content is not None}
    rest = Service(replace(project, files=ChangedFiles(project.files, staying)))
    places = {place for _, place in rest.references(names, gone)}
    places |= {place for place in rest.uses_by_name(package) if PurePosixPath(place.path) not in gone}
    places |= set(_roots(project, rest, package))
    found = [at(place) for place in sorted(places)]
    for path, content in rest.project.files.items():
        if path.suffix == ".py" and path not in gone and any(name.encode() in content for name in settings):
            nodes = (node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Attribute))
            found += [f"{path}:{node.lineno}" for node in nodes if node.attr in settings]
    if found:
        files = {place.rpartition(":")[0]: place for place in reversed(found)}
        shown = ", ".join(sorted(files.values())[:_SHOWN])
        more = f" and in {len(files) - _SHOWN} more files" if len(files) > _SHOWN else ""
        raise StillUsed(
            f"The example is still used: {shown}{more}", "Remove what uses it first, or point it elsewhere."
        )


def _roots(project: Project, rest: Service, gone: list[PurePosixPath]) -> Iterator[Place]:
    """Where the API names work that only the example started: a webhook knows it by its ids alone."""
    service = Service(project)
    api = PurePosixPath(project.package, "api")
    kinds = {kind for path in gone if path.parent == api for kind, _ in service.kinds_in(path)}
    for path in rest.project.files.below(api) if kinds else ():
        if path not in gone:
            named = [*rest.kinds_in(path), *_kinds_listed(rest.project.files[path])]
            yield from (Place(str(path), line) for kind, line in named if kind in kinds)


def _kinds_listed(content: bytes) -> Iterator[tuple[str, int]]:
    """The entries of the list by which a webhook finds the work that it answers, and their lines."""
    for node in ast.parse(content).body if KINDS.encode() in content else ():
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.List(elts=elements)) if name == KINDS:
                for element in elements:
                    if isinstance(element, ast.Constant) and isinstance(element.value, str):
                        yield element.value, element.lineno


def _migrations(project: Project, gone: list[PurePosixPath], notes: list[str]) -> dict[PurePosixPath, bytes | None]:
    """What becomes of its migration: it goes; or it stays, since others follow it, and a new one drops its tables."""
    versions = PurePosixPath(project.package, "db/migrations/versions")
    ours = [path for path in gone if path.parent == versions]
    after: dict[PurePosixPath, bytes | None] = {}
    for path in ours:
        source = Source.parse(path, project.files[path], project.package)
        revisions = {it: _revision(project, it) for it in project.files.below(versions)}
        own = revisions[path][0]
        if not any(own in following for _, following in revisions.values()):
            notes.append(
                f"A database that has run {path.name} is to be taken back first, by the release that has it: "
                f"`alembic downgrade {revisions[path][1][0]}`; or, of development, deleted"
            )
            continue
        followed = {it for _, following in revisions.values() for it in following}
        heads = [revision for revision, _ in revisions.values() if revision not in followed]
        if len(heads) != 1:
            raise CannotEdit(f"{versions} has {len(heads)} heads", "Merge them first: alembic merge heads")
        after[path] = project.files[path]
        after[versions / "drop_example.py"] = _dropping(source, heads[0])
        notes.append(f"{path} stays, since others follow it; {versions}/drop_example.py drops its tables")
    return after


def _revision(project: Project, path: PurePosixPath) -> tuple[str, tuple[str, ...]]:
    """A migration's name, and what it follows."""
    values: dict[str, tuple[str, ...]] = {}
    for statement in Source.parse(path, project.files[path], project.package).tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ):
                texts = (it.value for it in ast.walk(value or ast.Constant(None)) if isinstance(it, ast.Constant))
                values[name] = tuple(it for it in texts if isinstance(it, str))
    return next(iter(values.get("revision", ())), ""), values.get("down_revision", ())


def _dropping(source: Source, head: str) -> bytes:
    """The migration that takes another one back, after all that followed."""
    text = source.content.decode()
    parts = {name: ast.get_source_segment(text, node) or "" for name, node in source.definitions().items()}
    upgrade = parts["downgrade"].replace("def downgrade", "def upgrade", 1)
    downgrade = parts["upgrade"].replace("def upgrade", "def downgrade", 1)
    imports = [ast.unparse(node) for node in source.tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    head_lines = ['"""Without the example\'s tables."""\n', *imports, "", 'revision = "drop_example"']
    head_lines += [f'down_revision = "{head}"', "branch_labels = None", "depends_on = None"]
    return ("\n".join(head_lines) + f"\n\n\n{upgrade}\n\n\n{downgrade}\n").encode()


def _manifest(project: Project, after: Mapping[PurePosixPath, bytes | None], bare: Contents) -> bytes:
    """How the service came to be, now without the example."""
    manifest = project.manifest
    files = dict(manifest.files)
    for path in (PurePosixPath(path) for path in manifest.files):
        if path not in after:
            continue
        if path not in bare:
            del files[str(path)]
        elif fingerprint(project.files[path]) == files[str(path)]:
            files[str(path)] = fingerprint(after[path] or b"")
        else:
            files[str(path)] = fingerprint(bare[path])
    answers = {**manifest.answers, "bare": True}
    return replace(manifest, answers=answers, files=files).to_bytes()
