"""The command `graph`: read, draw, print or write."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from resonate_scaffold.cache import remembered
from resonate_scaffold.code.files import Tree, read
from resonate_scaffold.code.garbage import without_collecting
from resonate_scaffold.disk import write_output
from resonate_scaffold.errors import Unknown
from resonate_scaffold.graph import data, mermaid, parts, svg, tree
from resonate_scaffold.graph.structure import Structure
from resonate_scaffold.report import Outcome, Report

_MANY = 80  # nodes, of which a drawing is hard to read
_RENDERERS: Mapping[str, Callable[[Structure], str]] = {
    "tree": tree.render,
    "mermaid": mermaid.render,
    "json": data.render,
}


@dataclass(frozen=True, slots=True)
class GraphRequest:
    """What `graph` is asked for. ``origins``: only what these lead to. ``cached``: it may be as it was drawn before."""

    path: Path
    form: str
    output: Path | None = None
    origins: tuple[str, ...] = ()
    by_group: bool = False
    cached: bool = True


def draw(request: GraphRequest, report: Report) -> Outcome:
    """Draw the service that a path is in, to a file or to the terminal.

    Raises:
        Unknown: there is nothing to draw.
        UsageError: the path, or a node of that name, is not there.
        DiskError: the file cannot be written.
    """
    with without_collecting():
        (found,) = read([request.path])
        structure = _structure(found, request)
        if not structure.nodes:
            raise Unknown(
                f"{request.path} has nothing to draw", "It needs code that registers durable functions or starts them."
            )
        if request.origins:
            structure = parts.reached_from(structure, request.origins)
        if request.by_group:
            structure = parts.by_group(structure)
        text = _rendered(structure, request, found.root)
    output = request.output
    if output is None:
        report.text(text)
        return Outcome("graph", str(found.root))
    write_output(output, text, found.root)
    report.step("create", str(output))
    if len(structure.nodes) > _MANY and request.form != "json":
        report.note(
            f"It has {len(structure.nodes)} nodes: --from ROUTE draws what one leads to, --by-group the groups alone"
        )
    return Outcome("graph", str(found.root), changes=((str(output), "create"),))


def _structure(found: Tree, request: GraphRequest) -> Structure:
    """The structure of a project, or that of last time where nothing has changed."""

    def ask() -> Structure:
        # An unchanged project is drawn without all this.
        from resonate_scaffold.code.model import Model
        from resonate_scaffold.code.program import Program
        from resonate_scaffold.graph.reading import structure_of

        return structure_of(Model(Program(found.files, named=found.named)), found.root.name)

    return remembered(found.root, "graph", found.files, Structure, ask) if request.cached else ask()


def _rendered(structure: Structure, request: GraphRequest, root: Path) -> str:
    if request.form != "svg":
        return _RENDERERS[request.form](structure)
    # Its links lead from where it lies to the code.
    there = request.output.resolve().parent if request.output is not None else root
    try:
        way = os.path.relpath(root, there)
    except ValueError:  # on another drive
        way = str(root)
    return svg.render(structure, "" if way == "." else f"{Path(way).as_posix()}/")
