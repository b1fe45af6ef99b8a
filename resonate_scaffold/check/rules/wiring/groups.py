"""RS102 of a worker: a group that no process joins; and how groups are misspelt."""

from __future__ import annotations

import re
from collections.abc import Iterator

from resonate_scaffold.check.findings import Finding, finding
from resonate_scaffold.code.model import Model

_DIGITS = re.compile(r"\d+")
_SEPARATORS = re.compile(r"[\W_]+")


def groups_without_a_process(model: Model) -> Iterator[Finding]:
    """RS102 of a worker: its group is not in the list from which its service's processes are made."""
    for listed in model.group_lists:
        for worker in model.workers:
            path = worker.module.path
            if worker.group in {None, *listed.names} or path.name != "worker.py" or listed.package not in path.parents:
                continue
            for binding in worker.module.scope.bindings["GROUP"]:
                message = (
                    f"group {worker.group!r} has a worker, but is missing in the service's GROUPS: no process joins it"
                )
                hint = f"Add {worker.group!r} to the groups in {listed.module.path}."
                yield finding("RS102", binding.node, worker.module.scope, message, hint)


def likely_group(wanted: str, model: Model) -> str | None:
    """The group that a name of none is a slip of the hand away from."""
    return next((it for it in sorted(model.groups) if _is_slip(wanted, it)), None)


def _is_slip(one: str, other: str) -> bool:
    """Whether two names differ by one letter of a longer word, or only in how their words are put together.

    `region-1` and `region-2`, `eu-west` and `us-west`, `orders-a` and `orders-b` are siblings.
    """
    words, others = _SEPARATORS.split(one.casefold()), _SEPARATORS.split(other.casefold())
    if "".join(words) == "".join(others):
        return True
    if _DIGITS.sub("0", one) == _DIGITS.sub("0", other):
        return False
    if len(words) == len(others):
        different = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
        return len(different) == 1 and _is_one_edit(*different[0])
    return _is_one_edit(one, other)


def _is_one_edit(one: str, other: str) -> bool:
    """Whether one letter too many, too few, or another, or two in the wrong order make the difference."""
    short, long = sorted((one, other), key=len)
    start = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    if len(short) < len(long):
        return len(long) >= 4 and short[start:] == long[start + 1 :]
    if short[start : start + 2] == long[start : start + 2][::-1] and short[start + 2 :] == long[start + 2 :]:
        return len(long) >= 4
    return len(long) >= 6 and short[start + 1 :] == long[start + 1 :]
