"""Gives names of a service other names, wherever its code means them: through imports, aliases and attributes.

What is called alike and means something else stays. Where the code does not tell, nothing is changed, and it is said.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from resonate_scaffold.code.evaluate import is_contract
from resonate_scaffold.code.facts import Place
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.scopes import Bound, Module, ProgramClass, Scope, above
from resonate_scaffold.code.values import Class, Function, Instance, Value
from resonate_scaffold.edit.source import Source
from resonate_scaffold.edit.text import Cut
from resonate_scaffold.errors import CannotEdit, Taken
from resonate_scaffold.service.names import module_name
from resonate_scaffold.service.references import imported_name
from resonate_scaffold.service.service import Service
from resonate_scaffold.service.things import Contract

_DEFINITION = re.compile(rb"(?:async[ \t]+def|def|class)[ \t]+")
_FROM = re.compile(rb"from[ \t]*(?P<dots>[. \t]*)(?P<module>[\w.]*)")


@dataclass(frozen=True)
class FieldName:
    """A field of a model: the model's qualified name, what the field is called, and what it is to be called."""

    model: str
    old: str
    new: str


@dataclass
class Renaming:
    """New names for some of a service's, by qualified name: of modules, and of what they define.

    ``doubtful`` are the places that may mean the field, once :meth:`contents` was asked.
    """

    service: Service
    names: Mapping[str, str]
    model_field: FieldName | None = None
    doubtful: list[Place] = field(default_factory=list)

    def contents(self, others: Mapping[PurePosixPath, Collection[Cut]]) -> dict[PurePosixPath, bytes]:
        """What each file becomes that uses one of the names, at the path that it has now; with *others* to replace.

        Raises:
            Taken: a file that uses one has something else under its new name.
            CannotEdit: what comes of it is no Python.
        """
        project = self.service.project
        spelled = [name.rpartition(".")[2].encode() for name in self.names]
        spelled += [self.model_field.old.encode()] if self.model_field else []
        changed: dict[PurePosixPath, bytes] = {}
        for path, content in project.files.items():
            if path.suffix != ".py" or not (path in others or any(name in content for name in spelled)):
                continue
            source = self.service.source(path)
            cuts = sorted({*others.get(path, ()), *self._cuts(self.service.program.modules[path], source)})
            if cuts:
                changed[path] = spliced(source, cuts)
        return changed

    def name_of(self, qualified: str) -> str:
        """A qualified name as it will be: each of its parts may have got another name."""
        parts = qualified.split(".")
        return ".".join(self.names.get(".".join(parts[: end + 1]), part) for end, part in enumerate(parts))

    def _cuts(self, module: Module, source: Source) -> Iterator[Cut]:
        own = module_name(module.path, self.service.project.package)
        seen: set[ast.AST] = set()
        for scope in module.scopes:
            for name, bindings in scope.bindings.items():
                for binding in bindings:
                    if binding.how is Bound.imported and binding.node not in seen:
                        seen.add(binding.node)
                        yield from self._imports(binding.node, module, source)
                    if binding.how in (Bound.function, Bound.class_) and scope is module.scope:
                        new = self.names.get(f"{own}.{name}")
                        if new:
                            yield self._defined(binding.node, name, new, source)
            for node in scope.nodes:
                match node:
                    case ast.Name(id=name) if self._local(node, scope) and not _is_field(node):
                        new = self.names[self._local(node, scope)]
                        self._check_free(new, module)
                        yield self._at(source, node.lineno, node.col_offset, name, new)
                    case ast.Attribute(attr=name) if (meant := self._qualified(node, scope) or "") in self.names:
                        yield self._ends_with(source, node, name, self.names[meant])
            if self.model_field is not None:
                yield from self._field_cuts(scope, source)

    def _local(self, node: ast.Name, scope: Scope) -> str:
        """What gets another name and is called so here; "" where it is none, or is imported under a name of its own."""
        holder: Scope | None = scope
        while holder is not None and node.id not in holder.bindings:
            holder = holder.outer
        if holder is None:
            return ""
        module = holder.module
        for binding in holder.bindings[node.id]:
            if binding.how is Bound.imported:
                found = imported_name(binding, module, self.service.project.package) or ""
                called = (binding.member or binding.module.rpartition(".")[2]) == node.id
            else:
                found, called = f"{module_name(module.path, self.service.project.package)}.{node.id}", True
                if holder is not module.scope:
                    continue
            if called and found in self.names:
                return found
        return ""

    def _qualified(self, node: ast.expr, scope: Scope) -> str | None:
        """What a name or an attribute refers to by its import, in full."""
        package = self.service.project.package
        match node:
            case ast.Attribute(value=base, attr=name):
                inner = self._qualified(base, scope)
                return None if inner is None else f"{inner}.{name}".lstrip(".")
            case ast.Name(id=name):
                holder: Scope | None = scope
                while holder is not None and name not in holder.bindings:
                    holder = holder.outer
                for binding in holder.bindings[name] if holder is not None else ():
                    if binding.how is not Bound.imported:
                        return None
                    if binding.member is None and binding.module == package:
                        return ""
                    return imported_name(binding, holder.module if holder else scope.module, package)
        return None

    def _imports(self, node: ast.AST, module: Module, source: Source) -> Iterator[Cut]:
        package = self.service.project.package
        if isinstance(node, ast.Import):
            for alias in node.names:
                top, _, rest = alias.name.partition(".")
                if top == package and rest:
                    new = f"{package}.{self.name_of(rest)}"
                    if new != alias.name:
                        yield self._at(source, alias.lineno, alias.col_offset, alias.name, new)
            return
        if not isinstance(node, ast.ImportFrom):
            return
        base = source._base(node)
        if base is None or base.startswith("!"):
            return
        renamed = self.name_of(base)
        start = source._span(node)[0]
        written = _FROM.match(source.content, start)
        if renamed != base and written is not None and written["module"]:
            old = written["module"].decode()
            count = old.count(".") + 1
            kept = f"{package}." if not node.level and old.partition(".")[0] == package else ""
            tail = ".".join(renamed.split(".")[-count:]) if not kept else renamed
            yield (*written.span("module"), kept + tail)
        for alias in node.names:
            called = self.names.get(".".join(filter(None, [base, alias.name])))
            if called is not None:
                if alias.asname is None:
                    self._check_free(called, module)
                yield self._at(source, alias.lineno, alias.col_offset, alias.name, called)

    def _check_free(self, new: str, module: Module) -> None:
        """Refuse a name that the file has for something else."""
        for scope in module.scopes:
            for binding in scope.bindings.get(new, ()):
                line = getattr(binding.node, "lineno", scope.line)
                raise Taken(f"{module.path}:{line} has a {new} of its own", "Choose another name, or rename that.")

    def _defined(self, node: ast.AST, name: str, new: str, source: Source) -> Cut:
        lines = source._lines
        start = lines[getattr(node, "lineno", 1) - 1] + int(getattr(node, "col_offset", 0))
        written = _DEFINITION.match(source.content, start)
        assert written is not None
        return written.end(), written.end() + len(name.encode()), new

    def _at(self, source: Source, line: int, column: int, name: str, new: str) -> Cut:
        start = source._lines[line - 1] + column
        return start, start + len(name.encode()), new

    def _ends_with(self, source: Source, node: ast.Attribute, name: str, new: str) -> Cut:
        end = source._span(node)[1]
        return end - len(name.encode()), end, new

    def _field_cuts(self, scope: Scope, source: Source) -> Iterator[Cut]:
        wanted = self.model_field
        assert wanted is not None
        for call in scope.calls:
            made = self.service.near.evaluate.value(call.func, scope)
            if isinstance(made, Class) and self._is_model(made.class_):
                for keyword in call.keywords:
                    if keyword.arg == wanted.old:
                        yield self._at(source, keyword.lineno, keyword.col_offset, wanted.old, wanted.new)
        for node in scope.found(ast.Attribute):
            if node.attr != wanted.old or self._qualified(node, scope) is not None:
                continue
            class_ = self._class_of(node.value, scope)
            if class_ is None:
                self.doubtful.append(Place.of(scope, node))
            elif self._is_model(class_):
                yield self._ends_with(source, node, wanted.old, wanted.new)

    def _is_model(self, class_: ProgramClass, depth: int = 0) -> bool:
        """Whether a class is the model, or is made from it."""
        qualified = f"{self.service.module_of(class_.module)}.{class_.name}"
        if self.model_field is not None and qualified == self.model_field.model:
            return True
        bases = (self.service.near.evaluate.value(base, class_.outer) for base in class_.node.bases)
        return depth < 5 and any(isinstance(it, Class) and self._is_model(it.class_, depth + 1) for it in bases)

    def _class_of(self, node: ast.expr, scope: Scope) -> ProgramClass | None:
        """The class of an expression; of a call that is given a contract, the contract's result."""
        evaluate = self.service.near.evaluate
        value = evaluate.value(node, scope)
        if isinstance(value, Instance):
            return value.class_
        match node:
            case ast.Await(value=inner):
                return self._class_of(inner, scope)
            case ast.Name(id=name):
                holder: Scope | None = scope
                while holder is not None and name not in holder.bindings:
                    holder = holder.outer
                bindings = holder.bindings[name] if holder is not None else []
                found = {
                    self._class_of(it.node, holder or scope)
                    for it in bindings
                    if it.how is Bound.value and isinstance(it.node, ast.expr)
                }
                return found.pop() if len(found) == len({*bindings}) == 1 else None
            case ast.Call(args=[first, *_]) if isinstance(given := evaluate.value(first, scope), Class):
                return given.class_ if _gives_back(evaluate.value(node.func, scope)) else None
            case ast.Call(args=[first, *_]):
                contract = evaluate.value(first, scope)
                if is_contract(contract) and isinstance(contract, Instance) and contract.call and contract.scope:
                    result = evaluate.value(argument(contract.call, "result", 3), contract.scope)
                    return result.class_ if isinstance(result, Class) else None
        return None


def _gives_back(value: Value | None) -> bool:
    """Whether a function makes an instance of the class that it is given: ``def parse[T](model: type[T]) -> T``."""
    if not isinstance(value, Function) or isinstance(value.scope.node, ast.Lambda):
        return False
    match value.scope.returns, [it.annotation for it in value.scope.positional][:1]:
        case ast.Name(id=result), [ast.Subscript(value=ast.Name(id="type"), slice=ast.Name(id=given))]:
            return result == given
    return False


def spliced(source: Source, cuts: list[Cut]) -> bytes:
    """The content of a file with spans replaced.

    Raises:
        CannotEdit: what comes of it is no Python.
    """
    content = source.content
    for start, end, text in reversed(sorted(cuts, key=lambda cut: cut[:2])):
        content = content[:start] + text.encode() + content[end:]
    try:
        ast.parse(content)
    except SyntaxError as error:
        raise CannotEdit(f"{source.path}: it cannot be edited safely ({error.msg})", "Rename there by hand.") from error
    return content


def spelled_durable(service: Service, contract: Contract) -> Iterator[tuple[Scope, ast.Constant]]:
    """The strings of which the code tells that they are a contract's durable name, or begin with it as ids do."""
    old, package = contract.durable, service.project.package

    def texts(nodes: Iterable[ast.AST], *, ids: bool = False) -> Iterator[ast.Constant]:
        for node in nodes:
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(node, ast.Constant) and (text == old or (ids and str(text).startswith(f"{old}/"))):
                yield node

    for path, content in service.project.files.items():
        if path.suffix != ".py" or old.encode() not in content:
            continue
        module = service.program.modules[path].scope
        for statement in ast.iter_child_nodes(module.node) if path.match("webhook_*.py") else ():
            match statement:
                case ast.AnnAssign(target=ast.Name(id="KINDS"), value=ast.expr() as kinds):
                    yield from ((module, it) for it in texts(ast.walk(kinds)))
        for scope in service.program.modules[path].scopes:
            for call in scope.calls:
                if service.calls_ids(call, scope, "root_id"):
                    yield from ((scope, it) for it in texts(call.args[:1]))
                elif path.parts[0] != package and any(_is(service, it, scope, contract) for it in call.args):
                    yield from ((scope, it) for it in texts(call.args, ids=True))
    for users in (service.model.durable_calls, service.model.starts):
        for scope, several in users.items():
            for use in several:
                meant = service.model.started(use, scope) if use.by_name else None
                if meant is not None and meant.call is contract.call:
                    yield from ((scope, it) for it in texts(use.node.args))
    for schedule in service.model.schedules:
        if schedule.contract is None and schedule.function == old:
            yield from ((schedule.scope, it) for it in texts(ast.walk(schedule.node)))


def _is(service: Service, node: ast.expr, scope: Scope, contract: Contract) -> bool:
    value = service.near.evaluate.value(node, scope)
    return isinstance(value, Instance) and value.call is contract.call


def _is_field(node: ast.Name) -> bool:
    """Whether a name is that of a class's attribute, where it gets its value."""
    statement = above(node)
    stored = isinstance(statement, ast.AnnAssign | ast.Assign) and isinstance(node.ctx, ast.Store)
    return stored and statement is not None and isinstance(above(statement), ast.ClassDef)
