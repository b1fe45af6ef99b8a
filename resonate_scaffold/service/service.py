"""What a service has: contracts, routes, gates, schedules, key conventions, groups, and who uses them.

A service is lazy: every question parses the files that it needs, each once, so a file that is broken stands in the way
of those questions only that need it (:class:`~resonate_scaffold.errors.BrokenSource`). What one file or a few can tell
is asked of these; who calls, starts, answers and serves is asked of the whole program, as `check` and `graph` do. What
cannot be read from the code, such as a name that is computed, is left out. Everything is sorted by name.

Names are qualified by their module, without the package: ``contracts.workflows.place_order.place_order``.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from pathlib import PurePosixPath

from resonate_scaffold.code import facts, routes
from resonate_scaffold.code.facts import Place
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.names import argument
from resonate_scaffold.code.queries import is_query
from resonate_scaffold.code.scopes import Module, ProgramClass, Scope
from resonate_scaffold.code.values import Constant, Function
from resonate_scaffold.edit.source import Source
from resonate_scaffold.project import Project
from resonate_scaffold.service.names import module_name
from resonate_scaffold.service.program import ServiceProgram
from resonate_scaffold.service.references import References
from resonate_scaffold.service.things import Client, Contract, Gate, Group, Key, Query, Route, Schedule
from resonate_scaffold.service.types import Alias, ContractTypes, ModelType
from resonate_scaffold.service.users import Users

_HTTP_API = "runtime.durable.http_api.HttpApi"


class Service:
    """What one project has. Nothing here changes it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.program = ServiceProgram(project)
        self.near = Model(self.program, find_durable=False)
        """Answers about few files, which it does not look for the calls of."""
        self._types = ContractTypes(self.near, project)
        self._sources: dict[PurePosixPath, Source] = {}
        self.named_type = self._types.named

    @cached_property
    def model(self) -> Model:
        """The whole program, understood."""
        return Model(self.program)

    @cached_property
    def users(self) -> Users:
        """Who uses what."""
        return Users(self.model)

    def source(self, path: PurePosixPath) -> Source:
        """A file of the project, to be edited.

        Raises:
            BrokenSource: it is not Python.
        """
        if path not in self._sources:
            self._sources[path] = Source.parse(path, self.project.files[path], self.project.package)
        return self._sources[path]

    def path_of(self, module: str) -> PurePosixPath | None:
        """The file of a module of the package; None where there is none."""
        found = self.program.below(self.project.package, module.replace(".", "/"))
        return found if found in self.program.modules else None

    @cached_property
    def contracts(self) -> tuple[Contract, ...]:
        """Every ``Rpc`` value of the service, by durable name, version, module and variable."""
        return self._contracts(self.near.contracts.values())

    def contracts_spelling(self, text: str) -> tuple[Contract, ...]:
        """The contracts in files of the contracts that contain a text: no other file is parsed."""
        return self._contracts(self.near.contracts_in(self._spelling("contracts", text)))

    def group_of(self, folder: str) -> str | None:
        """The group whose contracts are in a folder of the contracts; None where there is none yet."""
        for path in self.project.files.below(PurePosixPath(self.project.package, "contracts", folder)):
            for contract in self.near.contracts_in([self.program.modules[path]]):
                return contract.group
        return None

    def function_of(self, contract: Contract) -> tuple[str, str] | None:
        """The module and the name of the function that is decorated to fulfil a contract; not a stand-in's."""
        for module in self._spelling("", contract.variable):
            for scope in module.scope.inner if "fakes" not in module.path.parts else ():
                fulfilled = self.near.contract_fulfilled_by(scope) if scope.decorators else None
                if fulfilled is not None and fulfilled.call is contract.call:
                    return self.module_of(module), scope.name
        return None

    def _contracts(self, found: Iterable[facts.Contract]) -> tuple[Contract, ...]:
        known = [
            Contract(
                it.variable,
                self.module_of(it.scope.module),
                it.name,
                it.group,
                it.version,
                self._qualified(it.request),
                self._qualified(it.result),
                Place.of(it.scope, it.call),
                it,
                self,
            )
            for it in found
            if it.name is not None and it.group is not None and it.version is not None
        ]
        return tuple(sorted(known, key=lambda it: (it.durable, it.version, it.module, it.variable)))

    @cached_property
    def types(self) -> tuple[ModelType | Alias, ...]:
        """Every model and other named type of the contracts, by name and module."""
        return self._types.among(self._below("contracts"))

    def types_spelling(self, text: str) -> tuple[ModelType | Alias, ...]:
        """Those in files that contain a text: no other file is parsed."""
        return self._types.among(self._spelling("contracts", text))

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every path operation, by path and method."""
        scopes = [scope for module in self._below("api") for scope in module.scopes]
        found = [
            Route(
                method,
                it.path,
                it.handler.name,
                self.module_of(it.handler.module),
                Place.of(it.handler, it.handler.node),
                it.is_included,
                it,
                self,
            )
            for it in routes.Routes(self.near.evaluate, scopes).read()
            for method in it.methods
        ]
        return tuple(sorted(found, key=lambda it: (it.path, it.method, it.module, it.function)))

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """Every ``Gate`` value of the service, by name, module and variable."""
        return self._gates(self.near.gates.values())

    def gates_spelling(self, text: str) -> tuple[Gate, ...]:
        """The gates in files of the contracts that contain a text: no other file is parsed."""
        return self._gates(self.near.gates_in(self._spelling("contracts", text)))

    def _gates(self, found: Iterable[facts.Gate]) -> tuple[Gate, ...]:
        known = [
            Gate(
                it.variable,
                self.module_of(it.scope.module),
                it.name,
                self._qualified(it.payload),
                Place.of(it.scope, it.call),
                it,
                self,
            )
            for it in found
            if it.name is not None
        ]
        return tuple(sorted(known, key=lambda it: (it.name, it.module, it.variable)))

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """The elements of SCHEDULES, by name."""
        found: list[Schedule] = []
        for it in self.model.schedules:
            given = {option: argument(it.node, option) for option in ("catch_up", "overlap")}
            cron = argument(it.node, "cron", 1)
            if it.name is None or cron is None:
                continue
            ways = {option: self._text(value, it.scope) for option, value in given.items() if value is not None}
            started = it.contract
            contract = f"{self.module_of(started.scope.module)}.{started.variable}" if started else None
            place = Place.of(it.scope, it.node)
            found.append(Schedule(it.name, self._text(cron, it.scope), it.function, contract, place, ways))
        return tuple(sorted(found, key=lambda it: (it.name, it.cron, it.workflow or "")))

    def _text(self, node: ast.expr, scope: Scope) -> str:
        return self.near.evaluate.text(node, scope) or ast.unparse(node)

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The key conventions, by name."""
        path = self.path_of("ids")
        functions = self.program.modules[path].scope.inner if path is not None else []
        found: list[Key] = []
        for it in functions:
            kind = None if isinstance(it.node, ast.Lambda) or it.class_ is not None else self._kind(it)
            if kind is not None:
                taken = [*it.arguments.posonlyargs, *it.arguments.args, *it.arguments.kwonlyargs]
                found.append(Key(it.name, kind, tuple(arg.arg for arg in taken), Place.of(it, it.node), self))
        return tuple(sorted(found, key=lambda it: it.name))

    @cached_property
    def queries(self) -> tuple[Query, ...]:
        """The queries, by name."""
        found = [
            Query(
                it.name,
                self.module_of(module),
                tuple(_arguments(it)[1:]),
                frozenset(argument.arg for argument in it.arguments.kwonlyargs),
                it.node.returns,
                Place.of(it, it.node),
                self,
            )
            for module in self._below("db/queries")
            for it in module.scope.inner
            if isinstance(it.node, ast.AsyncFunctionDef) and is_query(it, self.near.evaluate)
        ]
        return tuple(sorted(found, key=lambda it: (it.name, it.module)))

    @cached_property
    def clients(self) -> tuple[Client, ...]:
        """The clients of HTTP APIs, by name."""
        found: list[Client] = []
        for module in self._below("clients"):
            source = self.source(module.path)
            for node in source.tree.body:
                if isinstance(node, ast.ClassDef) and _HTTP_API in map(source.qualified, node.bases):
                    qualified = f"{self.module_of(module)}.{node.name}"
                    place = Place.of(module.scope, node)
                    found.append(Client(module.path.stem.replace("_", "-"), qualified, place, self))
        return tuple(sorted(found, key=lambda it: (it.name, it.qualified)))

    def _kind(self, function: Scope) -> str | None:
        """The kind of the ids that a key convention returns; None for any other function."""
        for returned in function.found(ast.Return):
            for call in ast.walk(returned):
                if isinstance(call, ast.Call) and self.calls_ids(call, function, "keyed"):
                    return self.near.evaluate.text(argument(call, "kind", 0), function)
        return None

    def calls_ids(self, call: ast.Call, scope: Scope, name: str) -> bool:
        """Whether a call is one of a function of the runtime's ``ids``."""
        value = self.near.evaluate.value(call.func, scope)
        return isinstance(value, Function) and value.scope.name == name and value.scope.module.path.stem == "ids"

    def kinds_in(self, path: PurePosixPath) -> Iterator[tuple[str, int]]:
        """What the ids that a file makes by ``root_id("…", …)`` begin with, and the lines."""
        for scope in self.program.modules[path].scopes:
            for call in scope.calls:
                if call.args and self.calls_ids(call, scope, "root_id"):
                    kind = self.near.evaluate.text(call.args[0], scope)
                    if kind is not None:
                        yield kind, call.lineno

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups that this service has processes for, by name."""
        found: list[Group] = []
        package = PurePosixPath(self.project.package)
        parts = {it for it in self.project.files.children(package) if package / it / "worker.py" in self.project.files}
        for part in sorted({*parts, "api"} - {"fakes"}):
            path = self.path_of("api.app" if part == "api" else f"{part}.worker")
            scope = self.program.modules[path].scope if path is not None else None
            if scope is None:
                continue
            name = self.near.evaluate.name("GROUP", scope) if "GROUP" in scope.bindings else None
            if isinstance(name, Constant) and isinstance(name.value, str):
                found.append(Group(name.value, part, Place.of(scope, scope.bindings["GROUP"][0].node), self))
            elif part == "api" and "ROUTERS" in scope.bindings:
                found.append(Group("api", part, Place.of(scope, scope.bindings["ROUTERS"][0].node), self))
        return tuple(sorted(found, key=lambda it: (it.name, it.module)))

    @cached_property
    def foreign_groups(self) -> tuple[str, ...]:
        """The groups of contracts that this service has no process for, by name."""
        own = {group.name for group in self.groups}
        return tuple(sorted({contract.group for contract in self.contracts} - own))

    def references(
        self, names: Collection[str], ignoring: Collection[PurePosixPath] = (), *, imports: bool = True
    ) -> tuple[tuple[str, Place], ...]:
        """Where the package and its tests use any of these qualified names: see :class:`References`."""
        return References(self.near, self.project, names).read(ignoring, imports=imports)

    def uses_by_name(self, paths: Collection[PurePosixPath]) -> Iterator[Place]:
        """Where durable functions whose contracts are in some files are called, started or scheduled by their names."""
        modules = (self.program.modules[path] for path in paths if path in self.project.files)
        wanted = {it.call: it.name for it in self.near.contracts_in(modules) if it.name is not None}
        spelled = [name.encode() for name in wanted.values()]
        if not any(
            name in self.project.files[path] for path in self.program.modules if path not in paths for name in spelled
        ):
            return
        model = self.model
        for users in (model.durable_calls, model.starts):
            for scope, several in users.items():
                for use in several:
                    contract = model.started(use, scope) if use.by_name else None
                    if contract is not None and contract.call in wanted:
                        yield Place.of(scope, use.node)
        for schedule in model.schedules:
            if schedule.contract is None and schedule.function in wanted.values():
                yield Place.of(schedule.scope, schedule.node)

    def module_of(self, module: Module) -> str:
        """The name of a module, without the package."""
        return module_name(module.path, self.project.package)

    def _qualified(self, class_: ProgramClass | None) -> str | None:
        return f"{self.module_of(class_.module)}.{class_.name}" if class_ else None

    def _below(self, part: str) -> Iterator[Module]:
        alone = PurePosixPath(self.project.package, f"{part}.py")
        paths = self.project.files.below(PurePosixPath(self.project.package, part))
        for path in [*([alone] if alone in self.project.files else []), *paths]:
            yield self.program.modules[path]

    def _spelling(self, part: str, text: str) -> Iterator[Module]:
        directory = PurePosixPath(self.project.package, part)
        for path in self.project.files.containing(directory, text.encode(errors="surrogatepass")):
            yield self.program.modules[path]


def _arguments(function: Scope) -> list[tuple[ast.arg, ast.expr | None]]:
    """The parameters of a function, each with its default."""
    given = function.arguments
    positional = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
    return [*zip(positional, defaults, strict=True), *zip(given.kwonlyargs, given.kw_defaults, strict=True)]
