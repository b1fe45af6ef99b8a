"""Ids: ``root``, ``root:1``, ``root:1.1``. What is before the first colon, the root, is shared by all of one run."""

from __future__ import annotations


def root_of(id: str) -> str:
    return id.partition(":")[0]


def extends(id: str, ancestor: str) -> bool:
    """Whether an id is another's, or below it."""
    return id == ancestor or id.startswith(ancestor + ("." if ":" in ancestor else ":"))
