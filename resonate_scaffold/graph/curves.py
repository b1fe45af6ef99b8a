"""How edges run: from the side of one node to that of another, through the gaps between the nodes on the way."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from resonate_scaffold.graph.layers import HEADER, HEIGHT, LANE, Cluster, Placed, Rect, spread
from resonate_scaffold.graph.structure import Edge

_CLEAR = 6.0  # between an edge and what it passes
_STRANGE = 60.0  # the way round that an edge rather takes than through a group that it does not concern
_CROWDED = 400.0

Point = tuple[float, float]
Gap = tuple[float, float, Cluster | None]
"""From, to, and the box that it is in."""


class Lane(NamedTuple):
    """Where an edge passes a column: how high, and the gap that it may move in."""

    column: int
    y: float
    low: float
    high: float


def curves(placed: Placed, edges: Sequence[Edge]) -> dict[Edge, list[Point]]:
    """For each edge a start, and three points for each cubic Bézier curve from there on.

    Curves bend between the columns and run straight where they pass one, so they meet no node but their own two.
    """
    lanes = _lanes(placed, edges)
    ports = _ports(placed, edges, lanes)
    found: dict[Edge, list[Point]] = {}
    for edge in edges:
        source, target = ports[edge, False], ports[edge, True]
        if placed.column[edge.source] == placed.column[edge.target]:
            found[edge] = _arc(source, target, loop=edge.source == edge.target)
            continue
        start, end = sorted((source, target))
        points = _curve(start, end, lanes[edge], placed.columns)
        found[edge] = points if start == source else points[::-1]
    return found


def _arc(source: Point, target: Point, *, loop: bool) -> list[Point]:
    """Between two nodes of one column, or from a node to itself: to the right and back, the farther the wider."""
    x = source[0] + min(26 + abs(target[1] - source[1]) / 12, 52)
    round_it = 12 if loop else 0
    return [source, (x, source[1] - round_it), (x, target[1] + round_it), target]


def _curve(start: Point, end: Point, lanes: Sequence[Lane], columns: Sequence[tuple[float, float]]) -> list[Point]:
    """From ``start`` at the left to ``end``, in bends that are as wide as the gaps on the way let them be."""
    points = [start]
    passed = 0
    while True:
        for stop in range(len(lanes), passed - 1, -1):
            goal = (columns[lanes[stop].column][0], lanes[stop].y) if stop < len(lanes) else end
            if all(_fits(points[-1], goal, lane, columns[lane.column]) for lane in lanes[passed:stop]):
                break
        points += _bend(points[-1], goal)
        if stop == len(lanes):
            return points
        points += _bend(goal, (columns[lanes[stop].column][1], lanes[stop].y))
        passed = stop + 1


def _bend(start: Point, end: Point) -> Sequence[Point]:
    middle = (start[0] + end[0]) / 2
    return (middle, start[1]), (middle, end[1]), end


def _fits(start: Point, end: Point, lane: Lane, column: tuple[float, float]) -> bool:
    """Whether a bend stays in a gap for all of a column; it only rises or only falls, so the column's ends tell."""
    return all(lane.low <= _height(start, end, x) <= lane.high for x in column)


def _height(start: Point, end: Point, x: float) -> float:
    """How high a bend is at ``x``."""
    share, low, high = (x - start[0]) / (end[0] - start[0]), 0.0, 1.0
    for _ in range(24):
        t = (low + high) / 2
        if 1.5 * t * (1 - t) + t**3 < share:
            low = t
        else:
            high = t
    return start[1] + (end[1] - start[1]) * (3 * low**2 - 2 * low**3)


def _lanes(placed: Placed, edges: Sequence[Edge]) -> dict[Edge, list[Lane]]:
    """The columns that each edge passes, from left to right."""
    gaps = [_gaps(placed, number) for number in range(len(placed.columns))]
    users: dict[tuple[int, Gap], list[tuple[float, float, Edge]]] = {}
    for edge in edges:
        left, right = sorted((edge.source, edge.target), key=placed.column.__getitem__)
        concerned = (placed.cluster[left], placed.cluster[right], None)
        y, end = placed.nodes[left].middle, placed.nodes[right].middle
        for number in range(placed.column[left] + 1, placed.column[right]):
            line = y + (end - y) / (placed.column[right] - number + 1)
            costs = [_cost(gap, line, concerned, len(users.get((number, gap), ()))) for gap in gaps[number]]
            gap = gaps[number][costs.index(min(costs))]
            y = _within(gap, line)
            users.setdefault((number, gap), []).append((y, end, edge))

    lanes: dict[Edge, list[Lane]] = {edge: [] for edge in edges}
    for (number, (low, high, _)), sharing in sorted(users.items(), key=lambda item: item[0][0]):
        sharing.sort(key=lambda use: use[:2])
        step = min(LANE, (high - low) / len(sharing))
        ys = spread([y for y, _, _ in sharing], [0.0] * len(sharing), step, low, high)
        for y, (_, _, edge) in zip(ys, sharing, strict=True):
            lanes[edge].append(Lane(number, y, low, high))
    return lanes


def _cost(gap: Gap, line: float, concerned: Collection[Cluster | None], users: int) -> float:
    """What it costs an edge to leave its line for a gap that others use as well."""
    low, high, cluster = gap
    crowded = (users + 1) * LANE > high - low
    return abs(_within(gap, line) - line) + _STRANGE * (cluster not in concerned) + _CROWDED * crowded


def _within(gap: Gap, y: float) -> float:
    return max(gap[0], min(y, gap[1]))


def _gaps(placed: Placed, number: int) -> list[Gap]:
    """Where an edge can pass a column: between its nodes, and between boxes, but not through a heading."""
    gaps: list[Gap] = []
    below = -math.inf
    left, right = placed.columns[number]
    for cluster, box in sorted(placed.boxes.items(), key=lambda item: item[1].y):
        if box.x <= left and right <= box.right:
            gaps.append((below, box.y - _CLEAR, None))
            below = box.y + (HEADER - _CLEAR if cluster[0] else 0.0)
            for rect in _standing(placed, cluster, number):
                gaps.append((below, rect.y - _CLEAR, cluster))
                below = rect.bottom + _CLEAR
            gaps.append((below, box.bottom - _CLEAR, cluster))
            below = box.bottom + _CLEAR
    gaps.append((below, math.inf, None))
    return [gap for gap in gaps if gap[0] < gap[1]]


def _standing(placed: Placed, cluster: Cluster, number: int) -> list[Rect]:
    ids = [id for id, column in placed.column.items() if column == number and placed.cluster[id] == cluster]
    return sorted((placed.nodes[id] for id in ids), key=lambda rect: rect.y)


def _ports(
    placed: Placed, edges: Sequence[Edge], lanes: Mapping[Edge, Sequence[Lane]]
) -> dict[tuple[Edge, bool], Point]:
    """Where each edge leaves its source (False) and meets its target (True): side by side, in the order of the ways."""
    sides: dict[tuple[str, bool], list[tuple[float, float, Edge, bool]]] = defaultdict(list)
    for edge in edges:
        for id, other, is_target in ((edge.source, edge.target, False), (edge.target, edge.source, True)):
            forwards = placed.column[id] <= placed.column[other]
            end = placed.nodes[other].middle + (is_target if id == other else 0)
            next_y = lanes[edge][0 if forwards else -1].y if lanes[edge] else end
            sides[id, forwards].append((next_y, end, edge, is_target))
    ports: dict[tuple[Edge, bool], Point] = {}
    for (id, forwards), uses in sides.items():
        rect = placed.nodes[id]
        uses.sort(key=lambda use: (use[0], use[1], use[2].source, use[2].target, use[2].kind))
        step = min(LANE, HEIGHT / 2 / max(len(uses) - 1, 1))
        for number, (_, _, edge, is_target) in enumerate(uses):
            y = rect.middle + (number - (len(uses) - 1) / 2) * step
            ports[edge, is_target] = (rect.right if forwards else rect.x, y)
    return ports
