"""The types that the contracts of a service name: pydantic models, and other named types."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold.code.facts import Place
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.scopes import Bound, Module, ProgramClass, Scope, above
from resonate_scaffold.code.values import Class, External
from resonate_scaffold.project import Project
from resonate_scaffold.service.names import module_name

_MODEL = frozenset({"pydantic.BaseModel", "pydantic.main.BaseModel"})
_ENUM = frozenset(f"enum.{name}" for name in ("Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"))
_TYPING = ("typing.", "typing_extensions.")


@dataclass(frozen=True, slots=True)
class ModelField:
    """A field as it is written: names in ``annotation`` and ``default`` are those of ``module``."""

    name: str
    annotation: ast.expr
    default: ast.expr | None
    module: str


@dataclass(frozen=True, slots=True)
class ModelType:
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


class ContractTypes:
    """Finds the named types of the contracts."""

    def __init__(self, model: Model, project: Project) -> None:
        self._model = model
        self._package = project.package
        self._known: dict[str, ModelType | Alias | None] = {}

    def named(self, qualified: str) -> ModelType | Alias | None:
        """The model or other named type with a qualified name."""
        if qualified not in self._known:
            module, _, name = qualified.rpartition(".")
            path: PurePosixPath | None = None
            if module.partition(".")[0] == "contracts":
                path = self._model.program.below(self._package, module.replace(".", "/"))
            modules = self._model.program.modules
            self._known[qualified] = self._type(modules[path], name) if path in modules and path else None
        return self._known[qualified]

    def among(self, modules: Iterable[Module]) -> tuple[ModelType | Alias, ...]:
        """Those of some files, by name and module."""
        found = [self._type(module, name) for module in modules for name in module.scope.bindings]
        return tuple(sorted((it for it in found if it is not None), key=lambda it: (it.name, it.module)))

    def _type(self, module: Module, name: str) -> ModelType | Alias | None:
        for binding in module.scope.bindings.get(name, ()):
            where = module_name(module.path, self._package)
            if binding.class_ is not None:
                class_, place = binding.class_, Place.of(module.scope, binding.class_.node)
                if self._leads_to(class_, _MODEL, ()):
                    return ModelType(name, where, place, tuple(self._fields(class_, ()).values()))
                return Alias(name, where, place, class_.node) if self._leads_to(class_, _ENUM, ()) else None
            statement = above(binding.node) if binding.how is Bound.value else None
            if statement is not None and isinstance(binding.node, ast.expr) and self._is_type(statement, module.scope):
                return Alias(name, where, Place.of(module.scope, statement), binding.node)
        return None

    def _is_type(self, statement: ast.AST, scope: Scope) -> bool:
        """Whether a statement names a type."""
        match statement:
            case ast.TypeAlias():
                return True
            case ast.AnnAssign(annotation=annotation):
                return self._is_typing(annotation, scope, "TypeAlias")
            case ast.Assign(value=ast.Subscript(value=base)):
                return self._is_typing(base, scope, "Annotated", "Literal")
        return False

    def _leads_to(self, class_: ProgramClass, targets: frozenset[str], seen: tuple[ProgramClass, ...]) -> bool:
        """Whether a class inherits one of *targets*, as far as the service's own code tells."""
        for base in class_.node.bases:
            value = self._model.evaluate.value(_unsubscripted(base), class_.outer)
            if isinstance(value, External) and value.name in targets:
                return True
            known = value.class_ if isinstance(value, Class) and value.class_ not in (*seen, class_) else None
            if known is not None and self._leads_to(known, targets, (*seen, class_)):
                return True
        return False

    def _fields(self, class_: ProgramClass, seen: tuple[ProgramClass, ...]) -> dict[str, ModelField]:
        fields: dict[str, ModelField] = {}
        # The first base wins, and an overridden field keeps its position: as pydantic has it.
        for base in reversed(class_.node.bases):
            value = self._model.evaluate.value(_unsubscripted(base), class_.outer)
            if isinstance(value, Class) and value.class_ not in seen:
                fields |= self._fields(value.class_, (*seen, class_))
        module = module_name(class_.module.path, self._package)
        for name, (annotation, default) in class_.fields.items():
            if annotation is None or name == "model_config" or name.startswith("_"):
                continue
            if not self._is_typing(_unsubscripted(annotation), class_.outer, "ClassVar"):
                fields[name] = ModelField(name, annotation, default, module)
        return fields

    def _is_typing(self, node: ast.expr, scope: Scope, *wanted: str) -> bool:
        name = self._model.evaluate.external(node, scope)
        return name is not None and any(name == f"{module}{item}" for module in _TYPING for item in wanted)


def _unsubscripted(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node
