"""What a service has, read from its code: contracts, routes, gates, schedules, key conventions, groups.

A survey is lazy: every question parses the files that it needs, each once, so a file that is broken stands in the way
of those questions only that need it (:class:`~resonate_scaffold.errors.BrokenSource`). What cannot be read from the
code, such as a name that is computed, is left out. Everything is sorted by name, whatever its order in the files.

Qualified names are those of :mod:`~resonate_scaffold.source`: ``contracts.workflows.place_order``, without the
package; a leading ``!`` marks what is not the service's own.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath

from resonate_scaffold.project import Project
from resonate_scaffold.source import Source
from resonate_scaffold.uses import Use, Uses, join

# The names of the machinery, in this version and in 0.1.0.
_RPC = ("runtime.durable.rpc.Rpc", "rpc.Rpc")
_SERVE = ("runtime.durable.rpc.serve", "rpc.serve")
_GATE = ("runtime.durable.gate.Gate", "gate.Gate")
_SCHEDULE = ("runtime.durable.schedules.Schedule", "schedules.Schedule")
_KEYED = ("runtime.durable.ids.keyed", "ids.keyed")
# Names of the machinery are not followed any further.
_MACHINERY = frozenset({*_RPC, *_SERVE, *_GATE, *_SCHEDULE, *_KEYED})

_MODEL = frozenset({"!pydantic.BaseModel", "!pydantic.main.BaseModel"})
_ENUM = frozenset(f"!enum.{name}" for name in ("Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"))
_ROUTER = frozenset({"!fastapi.APIRouter", "!fastapi.routing.APIRouter"})
_TYPING = ("!typing.", "!typing_extensions.")
_METHODS = ("get", "post", "put", "patch", "delete", "head", "options")

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A line of a file; ``path`` is relative to the project."""

    path: str
    line: int


@dataclass(frozen=True, slots=True)
class ModelField:
    """A field as it is written: names in ``annotation`` and ``default`` are those of ``module``."""

    name: str
    annotation: ast.expr
    default: ast.expr | None
    module: str


@dataclass(frozen=True, slots=True)
class Model:
    """A pydantic model of the contracts; inherited fields come first."""

    name: str
    module: str
    place: Place
    fields: tuple[ModelField, ...]

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Alias:
    """Another named type of the contracts: ``node`` is the type that it stands for, or the class of an enumeration."""

    name: str
    module: str
    place: Place
    node: ast.expr | ast.ClassDef

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Contract:
    """An ``Rpc`` value: what is declared, and lazily who serves and who uses it."""

    variable: str
    module: str
    durable: str
    group: str
    version: int
    request: str | None
    result: str | None
    place: Place
    _survey: Survey = field(repr=False, compare=False)

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.variable}"

    @property
    def target(self) -> str:
        """The group and the name in it, as `add rpc` takes them: ``payments.workers.charge``."""
        inside = self.group.rpartition(".")[2]
        return f"{self.group}.{self.durable.removeprefix(f'{inside}.')}"

    @property
    def served(self) -> Place | None:
        """Its element in a worker's SERVED."""
        entry = self._survey._served.get(self.qualified)
        return entry.place if entry else None

    @property
    def function(self) -> Place | None:
        """The function that fulfils it; the stand-in's is not meant."""
        entry = self._survey._served.get(self.qualified)
        return self._survey._place_of(entry.function) if entry else None

    @property
    def faked(self) -> Place | None:
        """Its element in SERVED of the stand-ins."""
        entry = self._survey._faked.get(self.qualified)
        return entry.place if entry else None

    @property
    def called(self) -> tuple[Place, ...]:
        """The calls inside durable functions."""
        return self._survey._called.get(self.qualified, ())

    @property
    def started(self) -> tuple[Place, ...]:
        """Where the API passes it on, to be started."""
        return self._survey._started.get(self.qualified, ())

    @property
    def scheduled(self) -> tuple[str, ...]:
        """The names of the schedules that start it."""
        return self._survey._scheduled.get(self.qualified, ())


@dataclass(frozen=True, slots=True)
class Route:
    """A path operation. ``included`` says whether ROUTERS has its router; else nobody reaches it."""

    method: str
    path: str
    function: str
    module: str
    place: Place
    included: bool
    _survey: Survey = field(repr=False, compare=False)

    @property
    def contracts(self) -> tuple[str, ...]:
        """The durable names of the contracts that it refers to, itself or through functions of its module."""
        known = self._survey._contract_by_name
        return tuple(sorted({known[name].durable for name in self._survey._reached(self) if name in known}))

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of the gates that it refers to in the same way."""
        known = self._survey._gate_by_name
        return tuple(sorted({known[name].name for name in self._survey._reached(self) if name in known}))


@dataclass(frozen=True, slots=True)
class Gate:
    """A ``Gate`` value; ``payload`` is the qualified name of the answer's model."""

    variable: str
    module: str
    name: str
    payload: str | None
    place: Place
    _survey: Survey = field(repr=False, compare=False)

    @property
    def qualified(self) -> str:
        return f"{self.module}.{self.variable}"

    @property
    def waited(self) -> tuple[Place, ...]:
        """Where a workflow waits for it."""
        return self._survey._waited.get(self.qualified, ())

    @property
    def routes(self) -> tuple[str, ...]:
        """``METHOD path`` of the routes that refer to it."""
        return tuple(f"{route.method} {route.path}" for route in self._survey._routes_of_gate.get(self.qualified, ()))


@dataclass(frozen=True, slots=True)
class Schedule:
    """An element of SCHEDULES. ``cron`` is its text, or the expression that computes it, as are those of ``ways``:
    ``catch_up`` and ``overlap``, where they are given; ``workflow`` a durable name, of the contract ``contract``
    (qualified)."""

    name: str
    cron: str
    workflow: str | None
    contract: str | None
    place: Place
    ways: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Key:
    """A key convention: a function of ``ids`` that returns ``keyed(kind, …)``."""

    name: str
    kind: str
    fields: tuple[str, ...]
    place: Place
    _survey: Survey = field(repr=False, compare=False)

    @property
    def used(self) -> tuple[Place, ...]:
        """Where the rest of the package refers to it."""
        return self._survey._keys_used.get(f"ids.{self.name}", ())


@dataclass(frozen=True, slots=True)
class Group:
    """A group of this service: ``module`` is the part of the package that runs it (``workflows``, ``api``)."""

    name: str
    module: str
    place: Place
    _survey: Survey = field(repr=False, compare=False)

    @property
    def serves(self) -> tuple[str, ...]:
        """The durable names in its worker's SERVED."""
        known = self._survey._contract_by_name
        served = self._survey._served.items()
        return tuple(sorted(known[name].durable for name, entry in served if entry.module == self.module))


@dataclass(frozen=True, slots=True)
class _Serving:
    """An element of a SERVED: where, of which part of the package, and its function's qualified name."""

    place: Place
    module: str
    function: str | None


class Survey:
    """What one project has. Nothing here changes it."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._sources: dict[PurePosixPath, Source] = {}
        self._path_by_module: dict[str, PurePosixPath | None] = {}
        self._definitions_by_path: dict[PurePosixPath, Mapping[str, ast.stmt]] = {}
        self._uses_by_path: dict[PurePosixPath, tuple[Use, ...]] = {}
        self._names_by_path: dict[PurePosixPath, Mapping[int, frozenset[str]]] = {}
        self._canonical_names: dict[str, str] = {}
        self._types: dict[str, Model | Alias | None] = {}

    def source(self, path: PurePosixPath) -> Source:
        """A file of the project, parsed once.

        Raises:
            BrokenSource: it is not Python.
        """
        if path not in self._sources:
            self._sources[path] = Source.parse(path, self.project.files[path], self.project.package)
        return self._sources[path]

    @cached_property
    def contracts(self) -> tuple[Contract, ...]:
        """Every ``Rpc`` value of the contracts, by durable name, version, module and variable."""
        return self._contracts_in(self._sources_below("contracts"))

    def contracts_spelling(self, text: str) -> tuple[Contract, ...]:
        """The contracts in files that contain a text: no other file is parsed."""
        return self._contracts_in(self._sources_spelling("contracts", text))

    def group_of(self, folder: str) -> str | None:
        """The group whose contracts are in a folder of the contracts; None where there is none yet."""
        for it in self._sources_below(f"contracts/{folder}"):
            for contract in self._contracts_in([it]):
                return contract.group
        return None

    def _contracts_in(self, sources: Iterable[tuple[str, Source]]) -> tuple[Contract, ...]:
        found: list[Contract] = []
        for module, source in sources:
            for variable, value in self._values(source):
                given = self._arguments(source, value, _RPC, "name", "group", "request", "result", "timeout", "version")
                if given is None:
                    continue
                durable, group = self._text(source, given.get("name")), self._text(source, given.get("group"))
                version = self._constant(source, given["version"]) if "version" in given else 1
                if durable is None or group is None or not isinstance(version, int):
                    continue
                models = self._reference(source, given.get("request")), self._reference(source, given.get("result"))
                place = _place(source, self._definitions(source)[variable])
                found.append(Contract(variable, module, durable, group, version, *models, place, self))
        return tuple(sorted(found, key=lambda it: (it.durable, it.version, it.module, it.variable)))

    @cached_property
    def types(self) -> tuple[Model | Alias, ...]:
        """Every model and other named type of the contracts, by name and module."""
        return self._types_in(self._sources_below("contracts"))

    def types_spelling(self, text: str) -> tuple[Model | Alias, ...]:
        """Those in files that contain a text: no other file is parsed."""
        return self._types_in(self._sources_spelling("contracts", text))

    def named_type(self, qualified: str) -> Model | Alias | None:
        """The model or other named type of the contracts with a qualified name."""
        if qualified not in self._types:
            module, _, name = qualified.rpartition(".")
            path = self.path_of(module) if module.partition(".")[0] == "contracts" else None
            found: Model | Alias | None = None
            if path is not None and name in self._definitions(self.source(path)):
                found = self._type(self.source(path), module, name, self._definitions(self.source(path))[name])
            self._types[qualified] = found
        return self._types[qualified]

    def _types_in(self, sources: Iterable[tuple[str, Source]]) -> tuple[Model | Alias, ...]:
        found = [
            self._type(source, module, name, statement)
            for module, source in sources
            for name, statement in self._definitions(source).items()
        ]
        return tuple(sorted((it for it in found if it is not None), key=lambda it: (it.name, it.module)))

    def _type(self, source: Source, module: str, name: str, statement: ast.stmt) -> Model | Alias | None:
        if isinstance(statement, ast.ClassDef) and self._leads_to(source, statement, _MODEL):
            fields = tuple(self._fields(source, module, statement, frozenset()).values())
            return Model(name, module, _place(source, statement), fields)
        node = self._alias(source, name, statement)
        return None if node is None else Alias(name, module, _place(source, statement), node)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every path operation of the API, by path and method."""
        found: list[Route] = []
        for module, source in self._sources_below("api"):
            for function in _functions(source.tree):
                for decorator in function.decorator_list:
                    for method, path, router in self._operations(source, decorator):
                        included = router in self._included
                        place = _place(source, function)
                        found.append(Route(method, path, function.name, module, place, included, self))
        return tuple(sorted(found, key=lambda it: (it.path, it.method, it.module, it.function)))

    @cached_property
    def gates(self) -> tuple[Gate, ...]:
        """Every ``Gate`` value of the contracts, by name, module and variable."""
        return self._gates_in(self._sources_below("contracts"))

    def gates_spelling(self, text: str) -> tuple[Gate, ...]:
        """The gates in files that contain a text: no other file is parsed."""
        return self._gates_in(self._sources_spelling("contracts", text))

    def _gates_in(self, sources: Iterable[tuple[str, Source]]) -> tuple[Gate, ...]:
        found: list[Gate] = []
        for module, source in sources:
            for variable, value in self._values(source):
                given = self._arguments(source, value, _GATE, "name", "payload")
                name = self._text(source, given.get("name")) if given else None
                if given and name is not None:
                    payload = self._reference(source, given.get("payload"))
                    place = _place(source, self._definitions(source)[variable])
                    found.append(Gate(variable, module, name, payload, place, self))
        return tuple(sorted(found, key=lambda it: (it.name, it.module, it.variable)))

    @cached_property
    def schedules(self) -> tuple[Schedule, ...]:
        """The elements of SCHEDULES, by name."""
        found: list[Schedule] = []
        module = "workflows.schedules" if self.path_of("workflows.schedules") else "workflows.worker"
        for source, element in self._elements(module, "SCHEDULES"):
            holder, value = self._followed(source, element)
            given = self._arguments(
                holder, value, _SCHEDULE, "name", "cron", "workflow", "request", "catch_up", "overlap"
            )
            name = self._text(holder, given.get("name")) if given else None
            if not given or name is None or "cron" not in given:
                continue
            said: dict[str, str] = {
                option: self._text(holder, given[option]) or ast.unparse(given[option])
                for option in ("cron", "catch_up", "overlap")
                if option in given
            }
            cron = said.pop("cron")
            named = self._reference(holder, given.get("workflow")) or ""
            wanted = self._contract_by_name.get(self._contract_by_function.get(named, named))
            workflow, contract = (wanted.durable, wanted.qualified) if wanted else (None, None)
            found.append(Schedule(name, cron, workflow, contract, _place(source, element), said))
        return tuple(sorted(found, key=lambda it: (it.name, it.cron, it.workflow or "")))

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The key conventions, by name."""
        path = self.path_of("ids")
        if path is None:
            return ()
        source = self.source(path)
        found: list[Key] = []
        for name, statement in self._definitions(source).items():
            kind = self._kind(source, statement) if isinstance(statement, _Function) else None
            if kind is not None and isinstance(statement, _Function):
                taken = [*statement.args.posonlyargs, *statement.args.args, *statement.args.kwonlyargs]
                found.append(Key(name, kind, tuple(arg.arg for arg in taken), _place(source, statement), self))
        return tuple(sorted(found, key=lambda it: it.name))

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The groups that this service has processes for, by name."""
        found: list[Group] = []
        for module in sorted({*self._workers, "api"}):
            path = self.path_of("api.app" if module == "api" else f"{module}.worker")
            if path is None or module == "fakes":
                continue
            source = self.source(path)
            statement = self._definitions(source).get("GROUP")
            name = self._text(source, _value(statement)) if statement else None
            if statement is None and module == "api":
                statement, name = self._definitions(source).get("ROUTERS"), "api"
            if statement is not None and name is not None:
                found.append(Group(name, module, _place(source, statement), self))
        return tuple(sorted(found, key=lambda it: (it.name, it.module)))

    @cached_property
    def foreign_groups(self) -> tuple[str, ...]:
        """The groups of contracts that this service has no process for, by name."""
        own = {group.name for group in self.groups}
        return tuple(sorted({contract.group for contract in self.contracts} - own))

    def references(
        self, names: Collection[str], ignoring: Collection[PurePosixPath] = ()
    ) -> tuple[tuple[str, Place], ...]:
        """Where the package and its tests use any of these qualified names; each with the name, by path and line.

        A module's name stands for everything in it. No use is what stands in a definition of one of the names itself,
        or in the module that is named. An import is one only in a file that does not use the name otherwise. Files
        that do not even spell a name are not parsed.
        """
        ends = {name: name.rpartition(".")[2] for name in names}
        spelled = [end.encode() for end in set(ends.values())]
        found: set[tuple[str, Place]] = set()
        for path, content in self.project.files.items():
            if path.suffix != ".py" or path in ignoring or not any(end in content for end in spelled):
                continue
            imported: set[tuple[str, Place]] = set()
            used: set[tuple[str, Place]] = set()
            defining = self._defining(path, names)
            own = {name for name in names if self._is_in(path, name)}
            for use in self._uses(path):
                for name in self._meant(use.name, ends):
                    if name not in own and id(use.within) not in defining:
                        (imported if use.how == "import" else used).add((name, Place(str(path), use.line)))
            properly = {name for name, _ in used}
            found |= used | {item for item in imported if item[0] not in properly}
        return tuple(sorted(found, key=lambda item: (item[1], item[0])))

    def path_of(self, module: str) -> PurePosixPath | None:
        """The file of a module of the package; None where there is none."""
        if module not in self._path_by_module:
            base = PurePosixPath(self.project.package, *filter(None, module.split(".")))
            candidates = (base.with_suffix(".py") if module else base / "__init__.py", base / "__init__.py")
            self._path_by_module[module] = next((path for path in candidates if path in self.project.files), None)
        return self._path_by_module[module]

    @cached_property
    def _files(self) -> tuple[PurePosixPath, ...]:
        """The Python files of the package, without the runtime's."""
        runtime = PurePosixPath(self.project.package, "runtime")
        below = self.project.files.below(PurePosixPath(self.project.package))
        return tuple(path for path in below if runtime not in path.parents)

    @cached_property
    def _workers(self) -> tuple[str, ...]:
        """The parts of the package that have a worker."""
        package = PurePosixPath(self.project.package)
        parts = [name for name in self.project.files.children(package) if name.isidentifier()]
        return tuple(part for part in parts if package / part / "worker.py" in self.project.files)

    @cached_property
    def _contract_by_name(self) -> Mapping[str, Contract]:
        return {contract.qualified: contract for contract in self.contracts}

    @cached_property
    def _gate_by_name(self) -> Mapping[str, Gate]:
        return {gate.qualified: gate for gate in self.gates}

    @cached_property
    def _served(self) -> Mapping[str, _Serving]:
        """By the contract's qualified name."""
        found: dict[str, _Serving] = {}
        for module in self._workers:
            if module != "fakes":
                found = {**self._serving(module), **found}
        return found

    @cached_property
    def _faked(self) -> Mapping[str, _Serving]:
        return self._serving("fakes")

    @cached_property
    def _contract_by_function(self) -> Mapping[str, str]:
        """The qualified names of contracts, by that of the function that a worker serves for each."""
        return {entry.function: contract for contract, entry in self._served.items() if entry.function}

    @cached_property
    def _scheduled(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for schedule in self.schedules:
            if schedule.contract is not None:
                found[schedule.contract] = (*found.get(schedule.contract, ()), schedule.name)
        return found

    @cached_property
    def _called(self) -> Mapping[str, tuple[Place, ...]]:
        def durable(path: PurePosixPath) -> bool:
            return path.parts[1] not in ("api", "contracts")

        return self._used_by(durable, lambda use: use.how == "call" and use.name in self._contract_by_name)

    @cached_property
    def _started(self) -> Mapping[str, tuple[Place, ...]]:
        def api(path: PurePosixPath) -> bool:
            return path.parts[1] == "api"

        return self._used_by(api, lambda use: use.how == "argument" and use.name in self._contract_by_name)

    @cached_property
    def _waited(self) -> Mapping[str, tuple[Place, ...]]:
        def waits(use: Use) -> bool:
            gate, _, method = use.name.rpartition(".")
            return use.how == "call" and method == "wait" and gate in self._gate_by_name

        found = self._used_by(lambda path: b".wait" in self.project.files[path], waits)
        return {name.removesuffix(".wait"): places for name, places in found.items()}

    @cached_property
    def _keys_used(self) -> Mapping[str, tuple[Place, ...]]:
        known = {f"ids.{key.name}" for key in self.keys}
        used = self._used_by(lambda path: True, lambda use: use.name in known)
        home = str(self.path_of("ids"))
        return {
            name: tuple(dict.fromkeys(place for place in places if place.path != home)) for name, places in used.items()
        }

    @cached_property
    def _routes_of_gate(self) -> Mapping[str, tuple[Route, ...]]:
        found: dict[str, list[Route]] = defaultdict(list)
        for route in self.routes:
            for name in self._reached(route) & self._gate_by_name.keys():
                found[name].append(route)
        return {name: tuple(routes) for name, routes in found.items()}

    @cached_property
    def _included(self) -> frozenset[str]:
        """The qualified names of the routers that the application includes."""
        elements = self._elements("api.app", "ROUTERS")
        return frozenset(name for source, element in elements if (name := self._reference(source, element)))

    @cached_property
    def _prefixes(self) -> Mapping[str, str | None]:
        """The routers of the API by qualified name, with their prefix; None is one that cannot be read."""
        found: dict[str, str | None] = {}
        for module, source in self._sources_below("api"):
            for variable, value in self._values(source):
                if isinstance(value, ast.Call) and self._is_router(source, value.func):
                    prefix = next((item.value for item in value.keywords if item.arg == "prefix"), None)
                    found[join(module, variable)] = self._text(source, prefix) if prefix else ""
        return found

    def _sources_below(self, part: str) -> Iterator[tuple[str, Source]]:
        paths = list(self.project.files.below(PurePosixPath(self.project.package, part)))
        alone = PurePosixPath(self.project.package, f"{part}.py")
        for path in [alone, *paths] if alone in self.project.files else paths:
            source = self.source(path)
            yield source.module, source

    def _sources_spelling(self, part: str, text: str) -> Iterator[tuple[str, Source]]:
        directory = PurePosixPath(self.project.package, part)
        for path in self.project.files.containing(directory, text.encode(errors="surrogatepass")):
            yield self.source(path).module, self.source(path)

    def _used_by(
        self, reads: Callable[[PurePosixPath], bool], wanted: Callable[[Use], bool]
    ) -> Mapping[str, tuple[Place, ...]]:
        """Places in the package's files, by the name that is used there."""
        found: dict[str, list[Place]] = defaultdict(list)
        for path in self._files:
            if reads(path):
                for use in self._uses(path):
                    followed = Use(self._canonical(use.name), use.line, use.how, use.within)
                    if use.how != "import" and wanted(followed):
                        found[followed.name].append(Place(str(path), use.line))
        return {name: tuple(sorted(set(places))) for name, places in found.items()}

    def _serving(self, module: str) -> dict[str, _Serving]:
        found: dict[str, _Serving] = {}
        for source, element in self._elements(f"{module}.worker", "SERVED"):
            contract, function = self._registered(source, element)
            if contract is not None and contract in self._contract_by_name:
                found.setdefault(contract, _Serving(_place(source, element), module, function))
        return found

    def _registered(self, source: Source, element: ast.expr) -> tuple[str | None, str | None]:
        """The contract and the function of an element of SERVED, by their qualified names.

        It is a function with ``@serve(contract)`` or, in version 0.1.0, ``serve(contract, function)``.
        """
        name = self._reference(source, element)
        found = self._definition(name) if name else None
        if found is not None and isinstance(found[1], _Function):
            for decorator in found[1].decorator_list:
                given = self._arguments(found[0], decorator, _SERVE, "contract")
                if given is not None:
                    return self._reference(found[0], given.get("contract")), name
            return None, None
        holder, value = self._followed(source, element)
        given = self._arguments(holder, value, _SERVE, "contract", "function")
        if given is None:
            return None, None
        return self._reference(holder, given.get("contract")), self._reference(holder, given.get("function"))

    def _place_of(self, name: str | None) -> Place | None:
        """Where a function or class with a qualified name is defined."""
        found = self._definition(self._canonical(name)) if name else None
        return found and _place(*found)

    def _defining(self, path: PurePosixPath, names: Collection[str]) -> frozenset[int]:
        """The statements of a file that define one of *names*."""
        module = self._module_of(path)
        prefix = f"{module}." if module else ""
        wanted = {name.removeprefix(prefix) for name in names if module is not None and name.startswith(prefix)}
        definitions = self._definitions(self.source(path)) if wanted else {}
        return frozenset(id(definitions[name]) for name in wanted if name in definitions)

    def _module_of(self, path: PurePosixPath) -> str | None:
        parts = path.with_suffix("").parts
        if parts[0] != self.project.package:
            return None
        return ".".join(parts[1:-1] if parts[-1] == "__init__" else parts[1:])

    def _is_in(self, path: PurePosixPath, name: str) -> bool:
        """Whether a file is, or is part of, the module *name*."""
        module = self._module_of(path)
        inside = module is not None and (module == name or module.startswith(f"{name}."))
        return inside and self.path_of(name) is not None

    def _meant(self, used: str, ends: Mapping[str, str]) -> Collection[str]:
        """Which of the names (the keys of *ends*, each with its last part) a use means, also through a re-export."""
        direct = _beginnings(used) & ends.keys()
        if not direct and not set(used.split(".")).isdisjoint(ends.values()):
            direct = _beginnings(self._canonical(used)) & ends.keys()
        return direct

    def _uses(self, path: PurePosixPath) -> tuple[Use, ...]:
        if path not in self._uses_by_path:
            reader = Uses(self.source(path), self.project.package, self._module_of(path))
            self._uses_by_path[path] = tuple(reader.read())
        return self._uses_by_path[path]

    def _reached(self, route: Route) -> frozenset[str]:
        """The names to which a route refers, itself or through functions of its module."""
        path, prefix = PurePosixPath(route.place.path), f"{route.module}."
        definitions, inside = self._definitions(self.source(path)), self._names_inside(path)
        reached: set[str] = set()
        seen: set[str] = set()
        waiting = [route.function]
        while waiting:
            function = waiting.pop()
            statement = definitions.get(function)
            if function not in seen and isinstance(statement, _Function):
                seen.add(function)
                names = inside.get(id(statement), frozenset())
                reached |= names
                waiting += [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        return frozenset(reached)

    def _names_inside(self, path: PurePosixPath) -> Mapping[int, frozenset[str]]:
        """What each statement of a file refers to, with all beginnings of the names: ``aggregate.timeout`` is one of
        ``aggregate``."""
        if path not in self._names_by_path:
            found: dict[int, set[str]] = defaultdict(set)
            for use in self._uses(path):
                for name in _beginnings(use.name):
                    # Only these two parts are certain to have been read, and re-exports are common in no others.
                    followed = self._canonical(name) if name.startswith(("contracts.", "api.")) else name
                    found[id(use.within)] |= {name, followed}
            self._names_by_path[path] = {statement: frozenset(names) for statement, names in found.items()}
        return self._names_by_path[path]

    def _operations(self, source: Source, decorator: ast.expr) -> Iterator[tuple[str, str, str]]:
        """What a decorator registers: method, path, and the router's qualified name."""
        if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
            return
        router = self._reference(source, decorator.func.value)
        prefix = self._prefixes.get(router) if router else None
        node = decorator.args[0] if decorator.args else _keyword(decorator, "path")
        path = self._text(source, node)
        if router is None or prefix is None or path is None:
            return
        name = decorator.func.attr
        if name in _METHODS:
            yield name.upper(), prefix + path, router
        elif name == "api_route":
            methods = _keyword(decorator, "methods")
            listed = methods.elts if isinstance(methods, ast.List | ast.Tuple | ast.Set) else []
            texts = [self._text(source, item) for item in listed] if methods else ["GET"]
            for method in texts:
                if method is not None:
                    yield method.upper(), prefix + path, router

    def _is_router(self, source: Source, callee: ast.expr) -> bool:
        name = self._reference(source, callee)
        if name in _ROUTER:
            return True
        found = self._definition(name) if name else None
        return found is not None and isinstance(found[1], ast.ClassDef) and self._leads_to(*found, _ROUTER)

    def _kind(self, source: Source, function: _Function) -> str | None:
        """The kind of the ids that a key convention returns; None for any other function."""
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None:
                for inner in ast.walk(node.value):
                    given = self._arguments(source, inner, _KEYED, "kind")
                    kind = self._text(source, given.get("kind")) if given else None
                    if kind is not None:
                        return kind
        return None

    def _alias(self, source: Source, name: str, statement: ast.stmt) -> ast.expr | ast.ClassDef | None:
        match statement:
            case ast.TypeAlias(value=value):
                return value
            case ast.ClassDef():
                return statement if self._leads_to(source, statement, _ENUM) else None
            case ast.AnnAssign(annotation=annotation, value=value) if value is not None:
                if _typing(source.qualified(annotation), "TypeAlias"):
                    return value
                return None
            case ast.Assign(value=ast.Subscript(value=base) as value):
                return value if _typing(source.qualified(base), "Annotated", "Literal") else None
        return None

    def _leads_to(
        self, source: Source, statement: ast.stmt, targets: Collection[str], seen: frozenset[int] = frozenset()
    ) -> bool:
        """Whether a class inherits one of *targets*, as far as the service's own code tells."""
        if not isinstance(statement, ast.ClassDef) or id(statement) in seen:
            return False
        for base in statement.bases:
            name = self._reference(source, _unsubscripted(base))
            if name in targets:
                return True
            found = self._definition(name) if name else None
            if found is not None and self._leads_to(*found, targets, seen | {id(statement)}):
                return True
        return False

    def _fields(
        self, source: Source, module: str, statement: ast.ClassDef, seen: frozenset[int]
    ) -> dict[str, ModelField]:
        fields: dict[str, ModelField] = {}
        # The first base wins, and an overridden field keeps its position: as pydantic has it.
        for base in reversed(statement.bases):
            name = self._reference(source, _unsubscripted(base))
            found = self._definition(name) if name else None
            if name and found and isinstance(found[1], ast.ClassDef) and id(found[1]) not in seen:
                parent, _, _ = name.rpartition(".")
                fields |= self._fields(found[0], parent, found[1], seen | {id(statement)})
        for item in statement.body:
            match item:
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                    hidden = name == "model_config" or name.startswith("_")
                    if not hidden and not _typing(source.qualified(_unsubscripted(annotation)), "ClassVar"):
                        fields[name] = ModelField(name, annotation, value, module)
        return fields

    def _elements(
        self, module: str, name: str, seen: frozenset[str] = frozenset()
    ) -> Iterator[tuple[Source, ast.expr]]:
        """The elements of a module-level list, however it is put together of lists; each with the file it stands in."""
        path = self.path_of(module)
        if path is None or f"{module}.{name}" in seen:
            return
        source = self.source(path)
        seen |= {f"{module}.{name}"}
        for statement in source.tree.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    yield from self._list(source, value, seen)
                case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                    yield from self._list(source, value, seen)
                case ast.AugAssign(target=ast.Name(id=target), op=ast.Add(), value=value) if target == name:
                    yield from self._list(source, value, seen)
                case ast.Expr(
                    value=ast.Call(func=ast.Attribute(value=ast.Name(id=target), attr=method), args=[argument])
                ) if target == name:
                    if method == "append":
                        yield source, argument
                    elif method == "extend":
                        yield from self._list(source, argument, seen)

    def _list(self, source: Source, node: ast.expr, seen: frozenset[str]) -> Iterator[tuple[Source, ast.expr]]:
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items):
                for item in items:
                    if isinstance(item, ast.Starred):
                        yield from self._list(source, item.value, seen)
                    else:
                        yield source, item
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self._list(source, left, seen)
                yield from self._list(source, right, seen)
            case ast.Name() | ast.Attribute():
                module, _, name = (self._reference(source, node) or "").rpartition(".")
                yield from self._elements(module, name, seen)

    def _arguments(
        self, source: Source, node: ast.AST | None, callee: Collection[str], *parameters: str
    ) -> dict[str, ast.expr] | None:
        """The arguments of a call of *callee*, by parameter; None if *node* is no such call."""
        if not isinstance(node, ast.Call) or self._reference(source, _unsubscripted(node.func)) not in callee:
            return None
        given = {item.arg: item.value for item in node.keywords if item.arg is not None}
        for parameter, value in zip(parameters, node.args, strict=False):
            if isinstance(value, ast.Starred):
                break
            given[parameter] = value
        return given

    def _reference(self, source: Source, node: ast.expr | None) -> str | None:
        """The qualified name of what *node* refers to, where it is defined."""
        name = source.qualified(node) if isinstance(node, ast.Name | ast.Attribute) else None
        return self._canonical(name) if name else None

    def _followed(self, source: Source, node: ast.expr) -> tuple[Source, ast.expr]:
        """What a name stands for, with the file in which it stands; anything else, and what is not found, as it is."""
        name = self._reference(source, node)
        found = self._definition(name) if name else None
        value = _value(found[1]) if found else None
        return (found[0], value) if found and value is not None else (source, node)

    def _text(self, source: Source, node: ast.expr | None) -> str | None:
        value = self._constant(source, node) if node is not None else None
        return value if isinstance(value, str) else None

    def _constant(self, source: Source, node: ast.expr, depth: int = 20) -> str | int | None:
        """The value of a literal, a constant, or texts put together of them."""
        if depth == 0:
            return None
        match node:
            case ast.Constant(value=str() | int() as value):
                return value
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                first, second = self._constant(source, left, depth - 1), self._constant(source, right, depth - 1)
                return first + second if isinstance(first, str) and isinstance(second, str) else None
            case ast.JoinedStr(values=values):
                parts = [self._constant(source, value, depth - 1) for value in values]
                return None if None in parts else "".join(map(str, parts))
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self._constant(source, value, depth - 1)
            case ast.Name() | ast.Attribute():
                holder, followed = self._followed(source, node)
                return None if followed is node else self._constant(holder, followed, depth - 1)
        return None

    def _definitions(self, source: Source) -> Mapping[str, ast.stmt]:
        """A file's definitions, gathered once."""
        if source.path not in self._definitions_by_path:
            self._definitions_by_path[source.path] = source.definitions()
        return self._definitions_by_path[source.path]

    def _values(self, source: Source) -> Iterator[tuple[str, ast.expr]]:
        """The module-level names that are assigned, with what they are assigned."""
        for name, statement in self._definitions(source).items():
            value = _value(statement)
            if value is not None:
                yield name, value

    def _definition(self, name: str) -> tuple[Source, ast.stmt] | None:
        """The statement that defines a qualified name of the service."""
        module, _, variable = name.rpartition(".")
        path = None if name.startswith("!") else self.path_of(module)
        if path is None:
            return None
        statement = self._definitions(self.source(path)).get(variable)
        return (self.source(path), statement) if statement is not None else None

    def _canonical(self, name: str) -> str:
        """A qualified name as it is where it is defined: followed through re-exports and second names."""
        if name not in self._canonical_names:
            current, seen = name, {name}
            while (further := self._step(current)) is not None and further not in seen:
                current = further
                seen.add(current)
            self._canonical_names[name] = current
        return self._canonical_names[name]

    def _step(self, name: str) -> str | None:
        if name.startswith(("!", "runtime.")) or name in _MACHINERY or self.path_of(name):
            return None
        parts = name.split(".")
        for end in range(len(parts) - 1, -1, -1):
            path = self.path_of(".".join(parts[:end]))
            if path is None:
                continue
            source, rest = self.source(path), parts[end + 1 :]
            statement = self._definitions(source).get(parts[end])
            node = ast.Name(parts[end], ast.Load()) if statement is None else _value(statement)
            if not isinstance(node, ast.Name | ast.Attribute):
                return None
            further = source.qualified(node)
            return ".".join([further, *rest]) if further else None
        return None


def _place(source: Source, node: ast.stmt | ast.expr) -> Place:
    return Place(str(source.path), node.lineno)


def _beginnings(name: str) -> set[str]:
    """``a``, ``a.b`` and ``a.b.c`` of ``a.b.c``."""
    return set(accumulate(name.split("."), lambda left, right: f"{left}.{right}"))


def _value(statement: ast.stmt) -> ast.expr | None:
    """What a statement assigns to one name."""
    match statement:
        case ast.Assign(targets=targets, value=value) if all(isinstance(target, ast.Name) for target in targets):
            return value
        case ast.AnnAssign(target=ast.Name(), value=value):
            return value
    return None


def _functions(tree: ast.Module) -> Iterator[_Function]:
    """The functions of a module that are defined when it is imported, in classes not."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _Function):
            yield node
        elif not isinstance(node, ast.ClassDef | ast.expr):
            waiting.extend(ast.iter_child_nodes(node))


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def _typing(name: str | None, *wanted: str) -> bool:
    return name is not None and any(name == f"{module}{item}" for module in _TYPING for item in wanted)


def _unsubscripted(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node
