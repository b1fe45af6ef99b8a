"""The structure as JSON, for programs."""

from __future__ import annotations

import json
from dataclasses import asdict

from resonate_scaffold.graph.shown import ordered_edges, ordered_nodes
from resonate_scaffold.graph.structure import Structure


def render(structure: Structure) -> str:
    """One object with ``title``, ``groups``, ``nodes`` and ``edges``; sorted, so that a diff shows what changed."""
    content = {
        "title": structure.title,
        "groups": [asdict(group) for group in sorted(structure.groups, key=lambda group: group.name)],
        "nodes": [asdict(node) for node in ordered_nodes(structure)],
        "edges": [asdict(edge) for edge in ordered_edges(structure)],
    }
    return json.dumps(content, indent=2) + "\n"
