"""The command `graph`: read, draw, print or write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from resonate_scaffold.code.files import read
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.disk import write_output
from resonate_scaffold.errors import Unknown
from resonate_scaffold.graph import data, mermaid, svg, tree
from resonate_scaffold.graph.reading import structure_of
from resonate_scaffold.graph.structure import Structure
from resonate_scaffold.report import Outcome, Report

_RENDERERS: Mapping[str, Callable[[Structure], str]] = {
    "tree": tree.render,
    "mermaid": mermaid.render,
    "svg": svg.render,
    "json": data.render,
}


def draw(path: Path, form: str, output: Path | None, report: Report) -> Outcome:
    """Draw the service that *path* is in, to *output* or to the terminal.

    Raises:
        Unknown: there is nothing to draw.
        DiskError: *output* cannot be written.
    """
    (found,) = read([path])
    structure = structure_of(Model(Program(found.files)), found.root.name)
    if not structure.nodes:
        raise Unknown(f"{path} has nothing to draw", "It needs code that registers durable functions or starts them.")
    text = _RENDERERS[form](structure)
    if output is None:
        report.text(text)
        return Outcome("graph", str(found.root))
    write_output(output, text, found.root)
    report.step("create", str(output))
    return Outcome("graph", str(found.root), changes=((str(output), "create"),))
