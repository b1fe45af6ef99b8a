"""RS114: imports whose target is gone, such as a contract that was removed. RS116: of what `db` keeps to itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Binding, Bound, Module, Scope, above

_HINT = "Remove the import, or restore what it names."


def imports(model: Model) -> Iterator[Finding]:
    """RS114, and in generated services RS116.

    RS114 is silent where an import may mean something else than what is found in the program. Modules that are not
    there are told in generated services only: elsewhere a build may make them. And only in these are absolute imports
    looked for in every directory: elsewhere they are those of a module's own package.
    """
    for module in model.modules:
        complete = not model.services.isdisjoint(module.path.parents)
        for scope in module.scopes:
            for bindings in scope.bindings.values():
                for binding in bindings:
                    if binding.how is Bound.imported and not _is_tried(binding.node):
                        yield from _missing(model, module, scope, binding, complete)
                    if binding.how is Bound.imported and complete:
                        yield from _of_db(model, module, scope, binding)


def _missing(model: Model, module: Module, scope: Scope, binding: Binding, complete: bool) -> Iterator[Finding]:
    path = _meant(model, module, binding, complete)
    spelled = "." * binding.level + binding.module
    if path is None:
        if complete and binding.level:
            yield finding("RS114", binding.node, scope, f"{spelled} is imported, and there is no such module", _HINT)
        return
    member = binding.member
    if member is None or member == "*" or (member.startswith("__") and member.endswith("__")):
        return
    target = model.program.modules.get(path)
    if target is None and model.program.is_file(path):
        return  # it has nothing to do with Resonate, and is not parsed
    package = path if target is None else path.parent if path.name == "__init__.py" else None
    if package is not None and (not complete or model.program.below(str(package), member) is not None):
        return
    if target is None or not _may_have(target, member):
        where = spelled if target is None else str(target.path)
        yield finding("RS114", binding.node, scope, f"{member} is imported from {where}, which has no such name", _HINT)


def _meant(model: Model, module: Module, binding: Binding, complete: bool) -> PurePosixPath | None:
    """The file or the directory that an import means for certain."""
    if complete or binding.level:
        return model.program.importing(module, binding.module, binding.level)
    package, directory = model.program.own_package(module)
    if binding.module.partition(".")[0] != package:
        return None
    return model.program.below(directory, binding.module.replace(".", "/"))


def _of_db(model: Model, module: Module, scope: Scope, binding: Binding) -> Iterator[Finding]:
    """RS116, of an import in the API or in what another group runs."""
    service = next(it for it in module.path.parents if it in model.services)
    room = module.path.relative_to(service).parts[0]
    path = model.program.importing(module, binding.module, binding.level)
    if path is None or (room != "api" and service / room / "worker.py" not in model.program.modules):
        return
    if binding.member is not None and path.name in ("__init__.py", path.stem):
        package = path.parent if path.name == "__init__.py" else path
        path = model.program.below(str(package), binding.member) or path
    target = path.parent if path.name == "__init__.py" else path.with_suffix("")
    database = service / "db"
    if room in ("db", "fakes") or not target.is_relative_to(database):
        return
    what = ".".join(target.relative_to(service).parts)
    if room != "api":
        message = f"{room} imports {what}: only the group db opens the database"
        yield finding("RS116", binding.node, scope, message, "Call a function of the group: await get_thing(ctx, …).")
    elif not target.is_relative_to(database / "queries"):
        message = f"the API imports {what}: of db it may import db.queries alone, whose sessions cannot write"
        hint = "Read by a query (resonate-scaffold add query); write in a workflow, through a function of the group db."
        yield finding("RS116", binding.node, scope, message, hint)


def _may_have(module: Module, name: str) -> bool:
    """Whether a module binds a name, or makes names in ways that are not read."""
    if module.error is not None or not module.scope.bindings.keys().isdisjoint((name, "*", "__getattr__")):
        return True
    return any(b"globals()" in line or b"sys.modules" in line for line in module.lines)


def _is_tried(node: ast.AST) -> bool:
    """Whether an import may fail: it stands in a `try`, or in a `with` such as `suppress(ImportError)`."""
    up = above(node)
    while up is not None:
        if isinstance(up, ast.Try | ast.TryStar | ast.With | ast.ExceptHandler):
            return True
        up = above(up)
    return False
