"""Ids of roots: which run of its work one is, and how its fields are spelled.

A run that was started again is a root of its own, ``job/order-4711+run2``.
"""

import re

from .namespace import Namespace

_RUN = re.compile(r"\+run([0-9]+)(?=:|$)")  # No public id has a `+`.


def as_root(text: str) -> str:
    """A root id as it is on the engine, where its fields are spelled as clients see them: ``invoice/c-1,42``."""
    return text.replace(",", "/")


def roots_named(namespace: Namespace, text: str) -> list[str]:
    """The root ids that somebody may mean: as the service and its clients spell it, or as logs do, with the namespace."""
    return list(dict.fromkeys((as_root(text), namespace.local_id(as_root(text)))))


def run_number(root: str) -> int:
    """Which run of its work a root is: 1, or more where it was started again."""
    match = _RUN.search(root)
    return int(match[1]) if match else 1


def run_id(root: str, number: int) -> str:
    """The id of a run of the work that has this root, by its number."""
    return first_run(root) if number == 1 else f"{first_run(root)}+run{number}"


def first_run(promise: str) -> str:
    """The id that a promise of any run of some work has in its first: ``job/order-4711:2`` for ``job/order-4711+run3:2``."""
    return _RUN.sub("", promise)
