"""What `bench` measures is what users have: it writes thousands of workflows itself, in the shape that `add` gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import bench
from .conftest import tree


def without_edits(record: bytes) -> dict[str, Any]:
    """A record but for the places of its edits, which depend on all that was added before."""
    return {key: value for key, value in json.loads(record).items() if key != "edits"}


def test_a_grown_service_is_what_the_commands_make(tmp_path: Path) -> None:
    tool = bench.Tool(bench.ROOT)
    grown, added = bench.example(tmp_path / "grown", tool), bench.example(tmp_path / "added", tool)
    bench.grow(grown, tool, 0, 2)
    bench.grow(grown, tool, 2, 3)
    for number in (1, 2, 3):
        tool("add", "workflow", f"load-{number:05}", "--takes", "order_id:str", "--project", added)
    one, other = tree(grown), tree(added)
    assert one.keys() == other.keys()
    differing = [path for path in one if one[path] != other[path] and path != ".env"]
    assert all("/adds/" in path for path in differing)
    assert [without_edits(one[path]) for path in differing] == [without_edits(other[path]) for path in differing]
