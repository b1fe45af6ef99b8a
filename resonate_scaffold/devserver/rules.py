"""The rules for ids and tags that the SDK's in-process server leaves out (`resonate.ids` states them)."""

from __future__ import annotations

from collections.abc import Mapping

from resonate.error import ServerError
from resonate.ids import ORIGIN_SEP, join_id, origin_of

#: The tags that name an ancestor: the id must be that ancestor's, or extend it.
_ANCESTORS = ("resonate:origin", "resonate:branch", "resonate:parent")

_SETTLED = ("resolved", "rejected", "rejected_canceled")


def check_id(id: str) -> None:
    """Refuse an id that no store could keep: ServerError 400."""
    if "\0" in id:
        raise ServerError(400, "id must not contain null bytes")


def check_root_id(id: str) -> None:
    """Refuse an id that cannot be the origin of a lineage: ServerError 400."""
    check_id(id)
    if ORIGIN_SEP in id:
        raise ServerError(400, f"resonate:origin must not contain {ORIGIN_SEP!r}: {id!r}")


def check_lineage(id: str, tags: Mapping[str, str]) -> None:
    """Refuse an id that does not extend the ancestors its tags declare: ServerError 400.

    ``root`` is extended by ``root:1``, ``root:1`` by ``root:1.1``. An id without these tags is free.
    """
    check_id(id)
    origin = tags.get("resonate:origin")
    if origin is not None:
        check_root_id(origin)
    for tag in _ANCESTORS:
        ancestor = tags.get(tag)
        if ancestor is not None and id != ancestor and not id.startswith(join_id(ancestor, "")):
            raise ServerError(400, f"promise id {id!r} must extend its {tag} {ancestor!r}")


def check_settle_state(state: object) -> None:
    """Refuse a settle with a state that a caller cannot choose: ServerError 400."""
    if state not in _SETTLED:
        raise ServerError(400, f"state must be one of {', '.join(_SETTLED)}; got {state!r}")


def check_same_origin(task_id: str, awaited_id: str) -> None:
    """A task may only await promises of its own origin: ServerError 400 otherwise."""
    if origin_of(task_id) != origin_of(awaited_id):
        raise ServerError(400, f"task {task_id!r} cannot await {awaited_id!r}: not the same origin")
