"""The structure as a Mermaid flowchart, for a README, an issue or a wiki."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from resonate_scaffold.errors import plain
from resonate_scaffold.graph.shown import (
    SYMBOLS,
    foreign_groups,
    name_of,
    ordered_edges,
    ordered_groups,
    ordered_nodes,
)
from resonate_scaffold.graph.structure import Kind, Link, Node, Structure

_SHAPES = {
    Kind.route: ('("', '")'),
    Kind.schedule: ('(["', '"])'),
    Kind.workflow: ('[["', '"]]'),
    Kind.function: ('["', '"]'),
    Kind.step: ('[/"', '"/]'),
    Kind.group: ('["', '"]'),
    Kind.gate: ('{{"', '"}}'),
    Kind.query: ('[/"', '"/]'),
}
_WORDS = {Link.detaches: "detaches", Link.waits: "waits", Link.answers: "answers", Link.reads: "reads"}
_STYLES = {
    "foreign": "fill:#fff7ed,stroke:#c2803a,color:#7c4a12,stroke-dasharray:5 4",
    "unreachable": "fill:#eceef1,stroke:#b3bac5,color:#6b7280",
}
# What has no meaning in a quoted label. All else becomes a code: quotes and "#" for the parser, "<" and "&" for the
# page, "%" for comments, "\" and "`" and "*" for line breaks and Markdown.
_PLAIN = re.compile(r"[^\w /.,:+=?!|()\[\]{}-]")


def render(structure: Structure) -> str:
    """The flowchart; a node is ``n1``, ``n2`` … and a group ``g1``, ``g2`` … in sorted order."""
    return "\n".join(_lines(structure)) + "\n"


def _lines(structure: Structure) -> Iterator[str]:
    foreign = foreign_groups(structure)
    nodes = ordered_nodes(structure)
    ids = {node.id: f"n{number}" for number, node in enumerate(nodes, 1)}
    group_ids = {name: f"g{number}" for number, name in enumerate(ordered_groups(structure), 1)}

    yield "---"
    yield f"title: {_title(structure.title)}"
    yield "---"
    yield "flowchart LR"
    for name, group_id in group_ids.items():
        yield f'  subgraph {group_id}["{_text(name)}{" (foreign)" if name in foreign else ""}"]'
        yield from (f"    {_node(ids[node.id], node)}" for node in nodes if node.group == name)
        yield "  end"
    yield from (f"  {_node(ids[node.id], node)}" for node in nodes if not node.group)

    outside = {node.id for node in nodes if node.group in foreign}
    for edge in ordered_edges(structure):
        arrow = "-.->" if edge.target in outside else "-->"
        word = f"|{_WORDS[edge.kind]}|" if edge.kind in _WORDS else ""
        yield f"  {ids[edge.source]} {arrow}{word} {ids[edge.target]}"

    members = {
        "foreign": [group_ids[name] for name in group_ids if name in foreign],
        "unreachable": [ids[node.id] for node in nodes if not node.reachable],
    }
    for style, of_style in members.items():
        if of_style:
            yield f"  classDef {style} {_STYLES[style]}"
            yield f"  class {','.join(of_style)} {style}"


def _node(node_id: str, node: Node) -> str:
    before, after = _SHAPES[node.kind]
    symbol = f"{SYMBOLS[node.kind]} " if node.kind in SYMBOLS else ""
    return f"{node_id}{before}{symbol}{_text(name_of(node))}{after}"


def _text(text: str) -> str:
    """A label in quotes. Mermaid takes "style", a colon and a code for a style, and eats the end of the code."""
    coded = _PLAIN.sub(lambda match: f"#{ord(match[0])};", plain(text))
    return coded.replace(":", "#58;") if re.search("style|classDef", coded) else coded


def _title(title: str) -> str:
    """A title for the front matter, which is YAML: a quoted string, without what begins a directive."""
    return json.dumps(plain(title), ensure_ascii=False).replace("%", "\\u0025")
