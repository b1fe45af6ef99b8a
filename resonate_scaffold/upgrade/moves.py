"""Where each version put what the one before had elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping

from resonate_scaffold.upgrade.align import Move, Renamed, Split

_MOVES: Mapping[str, tuple[Move, ...]] = {
    "0.2.0": (
        Renamed(r"({package})/api/routes/([^/]+\.py)", r"\1/api/\2"),
        Split(r"({package})/contracts/([^/]+)\.py", r"\1/contracts/\2"),
    ),
}


def moves_between(old: str, new: str, package: str) -> list[Move]:
    """The moves of the versions after *old*, up to *new*."""
    found: list[Move] = []
    for version, moves in _MOVES.items():
        if as_numbers(old) < as_numbers(version) <= as_numbers(new):
            found += [type(move)(move.old.replace("{package}", re.escape(package)), move.new) for move in moves]
    return found


def as_numbers(version: str) -> tuple[int, ...]:
    """A version's numbers, by which versions are compared: (0, 10, 1) for 0.10.1 and for 0.10.1rc1."""
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
