"""Where everything stands in the drawing: layers from left to right, groups as boxes.

Sugiyama's method on two levels. Groups are layered first, by what calls whom, then the nodes in each group: a column
of nodes belongs to one layer of groups, so boxes cannot overlap. An edge that closes a cycle is drawn backwards.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from resonate_scaffold.graph.structure import Edge, Kind, Node

HEIGHT = 34.0  # of a node
HEADER = 36.0  # of a box, above its nodes
PADDING = 18.0  # of a box, around its nodes
LANE = 6.0  # between edges that pass side by side
_BETWEEN_NODES = 20.0
_BETWEEN_BOXES = 34.0
_BETWEEN_COLUMNS = 54.0
_SWEEPS = 16
_RANKS = {
    **dict.fromkeys((Kind.route, Kind.schedule), 0),
    **dict.fromkeys((Kind.workflow, Kind.group), 1),
    **dict.fromkeys((Kind.function, Kind.step, Kind.gate, Kind.query), 2),
}

Cluster = tuple[str, bool]
"""A group's name; or, for nodes in no group, "" and whether they start something: these have no box."""


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Placed:
    """``columns``: the left and the right end of each; ``column``: the number of each node's."""

    nodes: Mapping[str, Rect]
    boxes: Mapping[Cluster, Rect]
    columns: Sequence[tuple[float, float]]
    column: Mapping[str, int]
    cluster: Mapping[str, Cluster]


def place(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    groups: Sequence[str],
    width: Callable[[Node], float],
    heading: Callable[[str], float],
) -> Placed:
    """Place nodes and the boxes of groups. ``width`` and ``heading`` tell what a node, and the name of a box, needs."""
    cluster = {node.id: (node.group or "", not node.group and not _RANKS[node.kind]) for node in nodes}
    clusters: list[Cluster] = list(dict.fromkeys([*((name, False) for name in groups), *cluster.values()]))
    pairs = [(edge.source, edge.target) for edge in edges]
    inside = {it: _inside([node for node in nodes if cluster[node.id] == it], pairs) for it in clusters}
    layers = _layers(clusters, Counter((cluster[a], cluster[b]) for a, b in pairs), _at_left(nodes, cluster))

    first: dict[Cluster, int] = {}
    starts = [0]
    for layer in layers:
        first |= dict.fromkeys(layer, starts[-1])
        starts.append(starts[-1] + max(len(inside[it]) for it in layer))
    column = {id: first[it] + n for it in clusters for n, ids in enumerate(inside[it]) for id in ids}

    widths = [0.0] * starts[-1]
    for it in clusters:
        widths[first[it]] = max(widths[first[it]], heading(it[0]) - 2 * PADDING)
    for node in nodes:
        widths[column[node.id]] = max(widths[column[node.id]], width(node))
    columns = _columns(widths, starts, [(column[a], column[b]) for a, b in pairs])

    rows = _Rows(layers, inside, pairs, column)
    rows.settle()
    rects = {}
    for id, number in column.items():
        left, right = columns[number]
        rects[id] = Rect(left, rows.middles[id] - HEIGHT / 2, right - left, HEIGHT)
    boxes = {}
    for it in clusters:
        left, right = columns[first[it]][0] - PADDING, columns[first[it] + len(inside[it]) - 1][1] + PADDING
        boxes[it] = Rect(left, rows.tops[it], right - left, rows.heights[it])
    return Placed(rects, boxes, columns, column, cluster)


def spread(wanted: Sequence[float], sizes: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """The middles of things in a row that are nearest to the wanted ones: in this order, ``gap`` apart, in bounds.

    Least squares, by pooling adjacent violators. Where the bounds are too narrow, the first one holds.
    """
    offsets = [0.0]
    for before, after in pairwise(sizes):
        offsets.append(offsets[-1] + (before + after) / 2 + gap)
    pools: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=False):
        mean, count = want - offset, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        pools.append((mean, count))
    if not pools:
        return []
    least, most = low + sizes[0] / 2, high - sizes[-1] / 2 - offsets[len(wanted) - 1]
    shifts = [max(min(mean, most), least) for mean, count in pools for _ in range(count)]
    return [shift + offset for shift, offset in zip(shifts, offsets, strict=False)]


def _at_left(nodes: Sequence[Node], cluster: Mapping[str, Cluster]) -> frozenset[Cluster]:
    return frozenset(cluster[node.id] for node in nodes if node.kind is Kind.route)


def _inside(nodes: Sequence[Node], pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
    """The columns of one group: routes and schedules, workflows, functions and gates, what those call."""
    least = {node.id: _RANKS[node.kind] for node in nodes}
    ranks = _ranks(list(least), Counter(pair for pair in pairs if pair[0] in least and pair[1] in least), least)
    return [[id for id in least if ranks[id] == rank] for rank in sorted(set(ranks.values()))] or [[]]


def _layers(
    clusters: Sequence[Cluster], weights: Mapping[tuple[Cluster, Cluster], int], left: frozenset[Cluster]
) -> list[list[Cluster]]:
    """The layers of groups. Those that call each other share one.

    What nothing calls stands close to what it calls, but for ``left``: that stays where work comes from.
    """
    after = {it: _reached(it, weights) for it in clusters}
    head: dict[Cluster, Cluster] = {}
    for it in clusters:
        head.setdefault(it, it)
        head |= {other: head[it] for other in after[it] if it in after[other]}
    between = Counter({(head[a], head[b]): 1 for a, b in weights if head[a] != head[b]})
    heads = list(dict.fromkeys(head.values()))
    ranks = _ranks(heads, between, dict.fromkeys(heads, 0))
    for it in heads:
        next_ranks = [ranks[b] for a, b in between if a == it]
        if next_ranks and it not in left and not any(b == it for _, b in between):
            ranks[it] = min(next_ranks) - 1
    return [[it for it in clusters if ranks[head[it]] == rank] for rank in sorted(set(ranks.values()))]


def _reached(start: Cluster, weights: Mapping[tuple[Cluster, Cluster], int]) -> set[Cluster]:
    found: set[Cluster] = set()
    waiting = [start]
    while waiting:
        it = waiting.pop()
        new = {b for a, b in weights if a == it} - found
        found |= new
        waiting += new
    return found


def _ranks[T: Hashable](items: Sequence[T], weights: Mapping[tuple[T, T], int], least: Mapping[T, int]) -> dict[T, int]:
    """The longest path to each item, at least ``least``, without the edges that point back in a cycle."""
    order = {item: number for number, item in enumerate(_order(items, weights))}
    before: dict[T, list[T]] = defaultdict(list)
    for a, b in weights:
        if order[a] < order[b]:
            before[b].append(a)
    ranks: dict[T, int] = {}
    for item in order:
        ranks[item] = max([least[item], *(ranks[a] + 1 for a in before[item])])
    return ranks


def _order[T: Hashable](items: Sequence[T], weights: Mapping[tuple[T, T], int]) -> list[T]:
    """An order in which few edges point back: the heuristic of Eades, Lin and Smyth."""
    left = dict.fromkeys(items)
    first: list[T] = []
    last: list[T] = []
    while left:
        out: Counter[T] = Counter()
        into: Counter[T] = Counter()
        for (a, b), weight in weights.items():
            if a != b and a in left and b in left:
                out[a] += weight
                into[b] += weight
        sinks = [item for item in left if not out[item]]
        sources = [item for item in left if out[item] and not into[item]]
        if not sinks and not sources:
            sources = [max(left, key=lambda item: out[item] - into[item])]
        first += sources
        last += sinks
        for item in (*sinks, *sources):
            del left[item]
    return first + last[::-1]


def _columns(
    widths: Sequence[float], starts: Sequence[int], spans: Sequence[tuple[int, int]]
) -> list[tuple[float, float]]:
    """The ends of each column, further apart where many edges pass."""
    ends: list[tuple[float, float]] = []
    x = 0.0
    for number, width in enumerate(widths):
        ends.append((x, x + width))
        passing = sum(min(span) <= number < max(span) for span in spans)
        border = 2 * PADDING if number + 1 in starts else 0.0
        x += width + _BETWEEN_COLUMNS + border + min(1.2 * passing, 60.0)
    return ends


class _Rows:
    """How high everything stands: in a few sweeps from side to side, each node goes to the mean of its neighbours.

    ``middles`` of nodes, ``tops`` and ``heights`` of boxes. The order of the sweep with the shortest edges is kept.
    """

    def __init__(
        self,
        layers: list[list[Cluster]],
        inside: dict[Cluster, list[list[str]]],
        pairs: Sequence[tuple[str, str]],
        column: Mapping[str, int],
    ) -> None:
        self._layers, self._inside, self._pairs = layers, inside, pairs
        self._before: dict[str, list[str]] = defaultdict(list)
        self._after: dict[str, list[str]] = defaultdict(list)
        for a, b in pairs:
            low, high = sorted((a, b), key=column.__getitem__)
            if column[low] != column[high]:
                self._after[low].append(high)
                self._before[high].append(low)
        self._both = {id: self._before[id] + self._after[id] for id in column}
        self._column = column
        self.heights = {it: self._height(it) for layer in layers for it in layer}
        self.tops = dict.fromkeys(self.heights, 0.0)
        self.middles = dict.fromkeys(column, 0.0)

    def settle(self) -> None:
        best = (math.inf, self.tops, self.middles)
        for sweep in range(_SWEEPS):
            backwards = sweep % 2 == 1
            settling = sweep % 4 > 1
            look = self._both if settling else self._after if backwards else self._before
            for layer in self._layers[:: -1 if backwards else 1]:
                self._sweep(layer, look, backwards)
            length = sum(abs(self.middles[a] - self.middles[b]) for a, b in self._pairs)
            if settling and length < best[0]:
                best = length, dict(self.tops), dict(self.middles)
        _, self.tops, self.middles = best

    def _sweep(self, layer: list[Cluster], look: Mapping[str, list[str]], backwards: bool) -> None:
        centre: dict[Cluster, float] = {}
        for it in layer:
            for ids in self._inside[it]:
                ids.sort(key=lambda id: (not self._both[id], self._wanted(id, look)))
            pulls = [self._wanted(id, look) - self.middles[id] for ids in self._inside[it] for id in ids if look[id]]
            centre[it] = self.tops[it] + self.heights[it] / 2 + fmean(pulls or [0.0])
        layer.sort(key=centre.__getitem__)
        heights = [self.heights[it] for it in layer]
        middles = spread([centre[it] for it in layer], heights, _BETWEEN_BOXES, -math.inf, math.inf)
        for it, middle in zip(layer, middles, strict=True):
            top = middle - self.heights[it] / 2
            shift, self.tops[it] = top - self.tops[it], top
            for ids in self._inside[it]:
                for id in ids:
                    self.middles[id] += shift
            for ids in self._inside[it][:: -1 if backwards else 1]:
                wanted = [self._wanted(id, look) for id in ids]
                low, high = top + self._above(it), top + self.heights[it] - PADDING
                self.middles |= zip(ids, spread(wanted, [HEIGHT] * len(ids), _BETWEEN_NODES, low, high), strict=True)

    def _wanted(self, id: str, look: Mapping[str, list[str]]) -> float:
        return fmean([self.middles[other] for other in look[id]] or [self.middles[id]])

    def _above(self, it: Cluster) -> float:
        return HEADER if it[0] else PADDING

    def _height(self, it: Cluster) -> float:
        """As much as the fullest column needs, with a lane for each edge of this group that passes it."""
        mine = {id for ids in self._inside[it] for id in ids}
        spans = [sorted((self._column[a], self._column[b])) for a, b in self._pairs if a in mine or b in mine]
        most = 0.0
        for ids in filter(None, self._inside[it]):
            passing = sum(low < self._column[ids[0]] < high for low, high in spans)
            most = max(most, len(ids) * (HEIGHT + _BETWEEN_NODES) - _BETWEEN_NODES + passing * LANE)
        return self._above(it) + most + PADDING
