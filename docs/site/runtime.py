"""The pages of the runtime: the names in it that owners import, with signatures and docstrings."""

from __future__ import annotations

import ast
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import griffe

from docs.site.markdown import prose, table, toctree
from tests.grown import NAME

LAYERS = {
    "ground": "Settings, errors, the database, the service",
    "http": "HTTP",
    "durable": "Durable calls",
    "engine": "The engine",
    "testing": "Tests",
}
GUIDE = Path(__file__).parent.parent / "guide"
_WIDTH = 70


def pages(service: Path) -> dict[str, str]:
    """The page of the runtime, whose name is empty, and a page a layer."""
    package = griffe.load(NAME, search_paths=[str(service)], submodules=True)
    used = _used(service)
    texts = {"": _index(package, used)}
    for layer, title in LAYERS.items():
        parts = [f"# {title}\n"]
        for module, names in used.items():
            if _layer(module) == layer:
                parts += _module(package[f"runtime.{module}"], module, names)
        texts[layer] = "\n".join(parts) + "\n"
    return texts


def _index(package: griffe.Object | griffe.Alias, used: dict[str, list[str]]) -> str:
    """What the runtime offers, a module a line."""
    parts = [
        "# The runtime's public names\n",
        "What an owner's code imports from `runtime/`: every name that a fresh service with one of everything,",
        "its tests, or an example of the guide imports. Everything else in there may change with any version.\n",
    ]
    for layer, title in LAYERS.items():
        rows = [
            (
                f"[`runtime.{module}`](runtime/{layer}.md#{_anchor(module)})",
                prose(_first_line(package[f"runtime.{module}"])),
            )
            for module in used
            if _layer(module) == layer
            for where in [f"runtime/{layer}.md#{_anchor(module)}"]
        ]
        parts += [f"## {title}\n", table(("module", "what it holds"), rows)]
    return "\n".join(parts) + toctree("", (f"runtime/{layer}" for layer in LAYERS), hidden=True)


def _used(service: Path) -> dict[str, list[str]]:
    """The modules of the runtime that owners import from, and the names; of a module that is imported whole, all."""
    modules = {
        path.relative_to(service / NAME / "runtime").with_suffix("").as_posix().replace("/", ".")
        for path in (service / NAME / "runtime").rglob("*.py")
    }
    used: dict[str, set[str]] = defaultdict(set)
    for path in _of_owners(service):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or "runtime" not in (parts := (node.module or "").split(".")):
                continue
            if parts[0] not in (NAME, "runtime"):
                continue
            module = ".".join(parts[parts.index("runtime") + 1 :])
            for alias in node.names:
                whole = f"{module}.{alias.name}".removeprefix(".")
                if whole in modules:
                    used[whole].add("*")
                elif module in modules:
                    used[module].add(alias.name)
    return {module: sorted(used[module]) for module in sorted(used)}


def _of_owners(service: Path) -> Iterator[Path]:
    runtime = service / NAME / "runtime"
    yield from (path for path in sorted(service.rglob("*.py")) if not path.is_relative_to(runtime))
    yield from sorted(GUIDE.rglob("*.py"))


def _layer(module: str) -> str:
    first, dot, _ = module.partition(".")
    return first if dot and first in LAYERS else "ground"


def _anchor(module: str) -> str:
    return f"runtime{module.replace('.', '')}"


def _first_line(it: griffe.Object | griffe.Alias) -> str:
    return it.docstring.value.split("\n\n")[0] if it.docstring else ""


def _module(module: griffe.Object | griffe.Alias, name: str, names: list[str]) -> Iterator[str]:
    yield f"\n## `runtime.{name}`\n"
    yield _docstring(module)
    own = (it for key, it in module.members.items() if not key.startswith("_") and not it.is_alias and not it.is_module)
    for it in own if names == ["*"] else (module.members[each] for each in names if each != "*"):
        yield from _member(it.final_target if isinstance(it, griffe.Alias) else it)


def _member(it: griffe.Object) -> Iterator[str]:
    yield f"\n### `{it.name}`\n"
    yield f"```python\n{_signature(it)}\n```\n"
    yield _docstring(it)
    if isinstance(it, griffe.Class):
        for name, member in it.members.items():
            if name.startswith("_") or isinstance(member, griffe.Alias) or not member.docstring:
                continue
            yield f"\n#### `{it.name}.{name}`\n"
            yield f"```python\n{_signature(member)}\n```\n"
            yield _docstring(member)


def _signature(it: griffe.Object) -> str:
    """The head of a definition, as one writes it."""
    if isinstance(it, griffe.Class):
        return _class_head(it)
    if isinstance(it, griffe.Function):
        return _function_head(it)
    if isinstance(it, griffe.TypeAlias):
        return f"type {it.name}{_type_parameters(it)} = {it.value}"
    assert isinstance(it, griffe.Attribute)
    annotation = f": {it.annotation}" if it.annotation is not None else ""
    value = f" = {it.value}" if it.value is not None and len(str(it.value)) <= _WIDTH else ""
    return f"{it.name}{annotation}{value}"


def _class_head(it: griffe.Class) -> str:
    bases = ", ".join(str(base) for base in it.bases)
    lines = [f"class {it.name}{_type_parameters(it)}{f'({bases})' if bases else ''}:"]
    fields = [member for member in it.members.values() if isinstance(member, griffe.Attribute) and member.annotation]
    lines += [f"    {_signature(member)}" for member in fields if not member.name.startswith("_")]
    start = it.members.get("__init__")
    if isinstance(start, griffe.Function) and not fields:
        lines += textwrap.indent(_function_head(start), "    ").splitlines()
    return "\n".join(lines)


def _function_head(it: griffe.Function) -> str:
    asynchronous = "async " if "async" in it.labels else ""
    return f"{asynchronous}def {it.name}{_type_parameters(it)}({_parameters(it)}) -> {it.returns or 'None'}"


def _type_parameters(it: griffe.Class | griffe.Function | griffe.TypeAlias) -> str:
    shown = [f"{one.name}: {one.bound}" if one.bound else one.name for one in it.type_parameters]
    return f"[{', '.join(shown)}]" if shown else ""


def _parameters(it: griffe.Function) -> str:
    shown: list[str] = []
    for one in it.parameters:
        before = {griffe.ParameterKind.var_positional: "*", griffe.ParameterKind.var_keyword: "**"}.get(one.kind, "")
        is_keyword = one.kind is griffe.ParameterKind.keyword_only
        if is_keyword and "*" not in shown and not any(it.startswith("*") for it in shown):
            shown.append("*")
        annotation = f": {one.annotation}" if one.annotation is not None else ""
        default = f"{' = ' if annotation else '='}{one.default}" if one.default is not None and not before else ""
        shown.append(f"{before}{one.name}{annotation}{default}")
    line = ", ".join(shown)
    return line if len(line) <= _WIDTH else "\n    " + ",\n    ".join(shown) + ",\n"


def _docstring(it: griffe.Object | griffe.Alias) -> str:
    """A docstring as Markdown: its text, and what is returned and raised as lists."""
    if it.docstring is None:
        return ""
    parts: list[str] = []
    for section in griffe.parse_google(it.docstring, warnings=False):
        match section:
            case griffe.DocstringSectionText():
                parts.append(prose(section.value))
            case griffe.DocstringSectionRaises():
                parts.append("\nRaises:\n")
                parts += [f"- `{one.annotation}`: {' '.join(prose(one.description).split())}" for one in section.value]
            case griffe.DocstringSectionParameters() | griffe.DocstringSectionAttributes():
                parts += [f"- `{one.name}`: {' '.join(prose(one.description).split())}" for one in section.value]
            case griffe.DocstringSectionReturns() | griffe.DocstringSectionYields():
                parts += [f"\nReturns: {' '.join(prose(one.description).split())}" for one in section.value]
            case griffe.DocstringSectionAdmonition():
                parts.append(f"{section.title}: {prose(section.value.contents)}")
            case _:
                raise TypeError(f"{it.path}: a docstring has a section of kind {section.kind}")
    return "\n".join([*parts, ""])
