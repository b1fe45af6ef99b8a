"""Where a service uses some of its own names, through whatever import, alias or attribute."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterator
from itertools import accumulate
from pathlib import PurePosixPath

from resonate_scaffold.code.facts import Place
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Binding, Bound, Module, Scope, above
from resonate_scaffold.code.values import Class, Function, Instance, ModuleOf, Value
from resonate_scaffold.project import Project
from resonate_scaffold.service.names import module_name

_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__name__", "__doc__", "__path__", "__spec__", "__package__"}


class References:
    """Finds the uses of qualified names. A module's name stands for everything in it.

    No use is what stands in a definition of one of the names itself, or in the module that is named. An import counts
    only in a file that does not use the name otherwise. Files that do not even spell a name are not parsed.
    """

    def __init__(self, model: Model, project: Project, names: Collection[str]) -> None:
        self._model = model
        self._project = project
        self._names = frozenset(names)

    def read(self, ignoring: Collection[PurePosixPath], *, imports: bool) -> tuple[tuple[str, Place], ...]:
        """The uses, each with the name, by path and line."""
        spelled = [name.rpartition(".")[2].encode() for name in self._names]
        found: set[tuple[str, Place]] = set()
        for path, content in self._project.files.items():
            machinery = path.parts[:2] == (self._project.package, "runtime")
            if path.suffix != ".py" or machinery or path in ignoring or not any(end in content for end in spelled):
                continue
            module = self._model.program.modules[path]
            used = set(self._used(module))
            properly = {name for name, _ in used}
            found |= used
            if imports:
                found |= {it for it in self._imported(module) if it[0] not in properly}
        return tuple(sorted(found, key=lambda item: (item[1], item[0])))

    def _used(self, module: Module) -> Iterator[tuple[str, Place]]:
        for scope in module.scopes:
            for node in scope.nodes:
                if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                    for origin in (self._origin(self._model.evaluate.value(node, scope)), self._written(node, scope)):
                        yield from self._hits(origin, module, scope, node)

    def _imported(self, module: Module) -> Iterator[tuple[str, Place]]:
        for scope in module.scopes:
            for bindings in scope.bindings.values():
                for binding in bindings:
                    if binding.how is Bound.imported:
                        origins = [
                            imported_name(binding, module, self._project.package),
                            self._origin(self._value(binding, scope)),
                        ]
                        if isinstance(binding.node, ast.Import):
                            prefix = f"{self._project.package}."
                            names = [it.name for it in binding.node.names if it.name.startswith(prefix)]
                            origins += [it.removeprefix(prefix) for it in names]
                        for origin in origins:
                            yield from self._hits(origin, module, scope, binding.node)

    def _hits(self, origin: str | None, module: Module, scope: Scope, node: ast.AST) -> Iterator[tuple[str, Place]]:
        own = module_name(module.path, self._project.package)
        hits = _beginnings(origin) & self._names if origin else ()
        if hits and not any(self._is_inside(node, module, name) for name in self._names):
            yield from ((name, Place.of(scope, node)) for name in hits if not f"{own}.".startswith(f"{name}."))

    def _is_inside(self, node: ast.AST, module: Module, name: str) -> bool:
        """Whether a node stands in the statement that defines a name of its module."""
        own, _, variable = name.rpartition(".")
        if own != module_name(module.path, self._project.package):
            return False
        statement = _top(node)
        return any(_top(it.node) is statement for it in module.scope.bindings.get(variable, ()))

    def _value(self, binding: Binding, scope: Scope) -> Value | None:
        names = (name for name, several in scope.bindings.items() if binding in several)
        return self._model.evaluate.name(next(names), scope)

    def _written(self, node: ast.expr, scope: Scope) -> str | None:
        """What a name says by its import, be that there or not; a name that nothing binds is one of the module."""
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.insert(0, node.attr)
            node = node.value
        holder: Scope | None = scope
        while isinstance(node, ast.Name) and holder is not None:
            for binding in holder.bindings.get(node.id, ()):
                name = (
                    imported_name(binding, holder.module, self._project.package)
                    if binding.how is Bound.imported
                    else None
                )
                return ".".join([name, *attributes]) if name else None
            holder = holder.outer
        if isinstance(node, ast.Name) and node.id not in _BUILTINS:
            return f"{module_name(scope.module.path, self._project.package)}.{node.id}"
        return None

    def _origin(self, value: Value | None) -> str | None:
        """The qualified name under which a value is defined."""
        match value:
            case ModuleOf(module):
                return module_name(module.path, self._project.package)
            case Function(scope) | Class(scope):
                class_ = scope if not isinstance(scope, Scope) else scope.class_
                name = scope.name if class_ is None else class_.name
                return f"{module_name(scope.module.path, self._project.package)}.{name}"
            case Instance(call=ast.Call() as call, scope=Scope() as scope):
                return self._variables(scope).get(call)
        return None

    def _variables(self, scope: Scope) -> dict[ast.AST, str]:
        module = module_name(scope.module.path, self._project.package)
        return {
            it.node: f"{module}.{name}"
            for name, bindings in scope.module.scope.bindings.items()
            for it in bindings
            if it.how is Bound.value
        }


def imported_name(binding: Binding, module: Module, package: str) -> str | None:
    """What an import names, in full; None for what is outside of the service and its tests."""
    if not binding.level:
        top, _, rest = binding.module.partition(".")
        base = rest if top == package else None
    else:
        parts = module.path.parts[:-1]
        inside = parts[1 : len(parts) - binding.level + 1] if parts[0] == package else None
        base = None if inside is None else ".".join([*inside, *filter(None, [binding.module])])
    if base is None:
        return None
    return ".".join(filter(None, [base, binding.member]))


def _beginnings(name: str) -> set[str]:
    """``a``, ``a.b`` and ``a.b.c`` of ``a.b.c``."""
    return set(accumulate(name.split("."), lambda left, right: f"{left}.{right}"))


def _top(node: ast.AST) -> ast.AST:
    """The statement of the module that a node stands in."""
    up = above(node)
    while up is not None and not isinstance(up, ast.Module):
        node, up = up, above(up)
    return node
