"""The structure as an SVG: one file with nothing outside of it, for light and dark pages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from resonate_scaffold.errors import plain
from resonate_scaffold.graph.curves import Point, curves
from resonate_scaffold.graph.layers import Rect, place
from resonate_scaffold.graph.shown import counted, foreign_groups, name_of, ordered_edges, ordered_groups, ordered_nodes
from resonate_scaffold.graph.structure import Edge, Kind, Link, Node, Structure

_MARGIN = 32.0
_TOP = 88.0  # the title's part
_LONGEST = 38  # cells of a label; a longer one is shortened, and its title has all of it
_LONGEST_OF_GROUP = 46  # which says how much is in it
_MONO, _SMALL = 7.6, 6.8  # a cell of a label, and of what is small, where a common font is widest
_ICON = 26.0

_ICONS = {
    Kind.route: "M-5 0H4M.5-3.5 4.2 0 .5 3.5",
    Kind.schedule: "M0-5.5A5.5 5.5 0 1 1-.01-5.5ZM0-3V0L2.2 1.4",
    Kind.workflow: "M-5.5-1.8h3.6v3.6h-3.6zM2-5.5h3.6v3.6H2zM2 1.9h3.6v3.6H2zM-1.9 0H0M2-3.7H0V3.7H2",
    Kind.function: "M3-5C.6-5.7.3-4 0-2L-1 3.2C-1.3 4.9-2 5.6-4 5.2M-3-1.2H2.6",
    Kind.step: "M-5.5 4.5H-2V.5H2V-3.5H5.5",
    Kind.gate: "M-2.2-4.5V4.5M2.2-4.5V4.5",
    Kind.group: "M-5.5-4.5h11v9h-11zM-5.5-1.5h11",
    Kind.query: "M-4.5-4.5h9v9h-9zM-4.5-1.5h9M-4.5 1.5h9",
}
_WORDS = {
    Link.starts: "starts",
    Link.calls: "calls, and waits",
    Link.detaches: "calls, and goes on",
    Link.waits: "waits for an answer",
    Link.answers: "answers",
    Link.reads: "reads",
}
_LIGHT = {
    "paper": "#ffffff", "rim": "#dde2ea", "text": "#1b2330", "soft": "#5d6879", "node": "#ffffff",
    "box": "#f5f7fa", "frame": "#d3dae4", "foreign": "#fdf8f1", "edging": "#c9a46b",
    "lost": "#e9ebef", "faint": "#a3acb9",
    "route": "#2563eb", "schedule": "#0e8598", "workflow": "#7645d9", "function": "#0b8a5f", "gate": "#c26a06",
    "step": "#64748b", "group": "#4b5b73",
    "query": "#b03a6b",
    "starts": "#5b86d8", "calls": "#8592a6", "detaches": "#9d7be0", "waits": "#d98a2b", "answers": "#3f9c6d",
    "reads": "#c5688f",
}  # fmt: skip
_DARK = {
    "paper": "#12161d", "rim": "#2a313d", "text": "#e4e9f1", "soft": "#98a3b5", "node": "#1d232d",
    "box": "#181d26", "frame": "#323b49", "foreign": "#211c15", "edging": "#8a6c3f",
    "lost": "#252a33", "faint": "#697385",
    "route": "#7ba6ff", "schedule": "#46c3d6", "workflow": "#b394ff", "function": "#4fcb9b", "gate": "#f0a548",
    "step": "#9aa8bd", "group": "#b4c0d2",
    "query": "#e58ab0",
    "starts": "#6d95e3", "calls": "#76839a", "detaches": "#9377d6", "waits": "#c98a3c", "answers": "#4aa678",
    "reads": "#b8628a",
}  # fmt: skip


def render(structure: Structure, way: str = "") -> str:
    """The drawing. Every node and edge tells what it is: ``data-id``, ``data-source``, ``data-target``.

    Nodes are links to their code; ``way`` leads there from where the drawing lies. Whatever the pointer is on, what it
    is joined with stays as it is, and all else pales.
    """
    return "\n".join(_drawing(structure, way)) + "\n"


def _drawing(structure: Structure, way: str) -> Iterator[str]:
    nodes, edges, groups = ordered_nodes(structure), ordered_edges(structure), ordered_groups(structure)
    foreign = foreign_groups(structure)
    headings = {name: _shortened(plain(name) + (" · foreign" if name in foreign else ""), 30) for name in groups}
    placed = place(nodes, edges, groups, _width, lambda name: _bold(headings.get(name, ""), 13) + 28)
    ways = curves(placed, edges)

    shown = [rect for it, rect in placed.boxes.items() if it[0]] + list(placed.nodes.values())
    xs = [x for rect in shown for x in (rect.x, rect.right)] + [x for way in ways.values() for x, _ in way] or [0.0]
    ys = [y for rect in shown for y in (rect.y, rect.bottom)] + [y for way in ways.values() for _, y in way] or [0.0]
    title, summary = _shortened(plain(structure.title), 60), counted(structure.nodes) or "nothing durable yet"
    inner = max(max(xs) - min(xs), _bold(title, 20), _cells(summary) * _SMALL, 300.0)
    entries = list(_entries(structure, nodes, edges, foreign))
    spots, below = _flowed([width for width, _ in entries], inner)
    bottom = _TOP + max(ys) - min(ys)
    width, height = inner + 2 * _MARGIN, bottom + below + _MARGIN + (12 if entries else 0)

    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="durable" role="img" '
        f'aria-labelledby="durable-title durable-desc" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}">'
    )
    yield f'<title id="durable-title">{escape(plain(structure.title))}</title>'
    yield f'<desc id="durable-desc">{escape(_described(structure, nodes, edges))}</desc>'
    numbers = {node.id: number for number, node in enumerate(nodes)}
    hovering = "".join(_hovering(numbers, edges))
    yield f"<style>{_rules(_LIGHT)}{_INK}@media (prefers-color-scheme:dark){{{_rules(_DARK)}}}{hovering}</style>"
    yield f"<defs>{''.join(map(_marker, sorted({edge.kind for edge in edges})))}</defs>"
    yield f'<rect class="paper" x=".5" y=".5" width="{_n(width - 1)}" height="{_n(height - 1)}" rx="12"/>'
    yield f'<text class="name" x="{_n(_MARGIN)}" y="44">{escape(title)}</text>'
    yield f'<text class="soft" x="{_n(_MARGIN)}" y="64">{escape(summary)}</text>'
    yield f'<g id="durable-graph" transform="translate({_n(_MARGIN - min(xs))} {_n(_TOP - min(ys))})">'
    for (name, _), box in placed.boxes.items():
        if name:
            yield _box(name, headings[name], box, name in foreign)
    at = {node.id: node for node in nodes}
    yield from (_edge(edge, number, at, ways[edge], foreign) for number, edge in enumerate(edges))
    yield from (_node(node, numbers[node.id], placed.nodes[node.id], way) for node in nodes)
    yield "</g>"
    for (x, y), (_, entry) in zip(spots, entries, strict=True):
        yield f'<g class="legend" transform="translate({_n(_MARGIN + x)} {_n(bottom + 36 + y)})">{entry}</g>'
    yield "</svg>"


def _box(name: str, heading: str, box: Rect, foreign: bool) -> str:
    mark = " foreign" if foreign else ""
    return (
        f'<g class="box{mark}" data-group={_quoted(name)}><title>{escape(plain(name))}</title>'
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="10"/>'
        f'<text x="{_n(box.x + 14)}" y="{_n(box.y + 22)}">{escape(heading)}</text></g>'
    )


def _edge(edge: Edge, number: int, nodes: Mapping[str, Node], way: Iterable[Point], foreign: frozenset[str]) -> str:
    source, target = nodes[edge.source], nodes[edge.target]
    marks = [edge.kind, f"e{number}", "outside" * (target.group in foreign), "lost" * (not source.reachable)]
    (x, y), *rest = way
    line = f'd="M{_n(x)},{_n(y)}C{" ".join(f"{_n(x)},{_n(y)}" for x, y in rest)}"'
    return (
        f'<path class="edge {" ".join(filter(None, marks))}" data-source={_quoted(edge.source)} '
        f'data-target={_quoted(edge.target)} marker-end="url(#durable-{edge.kind})" {line}/>'
        # A line is too thin for a pointer.
        f'<path class="hit e{number}" {line}>'
        f"<title>{escape(name_of(source))} {edge.kind} {escape(name_of(target))}</title></path>"
    )


def _hovering(numbers: Mapping[str, int], edges: Sequence[Edge]) -> Iterator[str]:
    """What stays while the pointer is on a node or an edge."""
    if edges:
        yield ".durable:has(.hit:hover,.node:hover) :is(.node,.edge){opacity:.22}"
    joined: dict[str, set[str]] = {f"n{number}": {f".n{number}"} for number in numbers.values()}
    for number, edge in enumerate(edges):
        source, target = f"n{numbers[edge.source]}", f"n{numbers[edge.target]}"
        both = {f".{source}", f".{target}", f".e{number}"}
        joined[f"e{number}"] = both
        joined[source] |= both
        joined[target] |= both
    for name, kept in joined.items():
        if edges:
            yield f".durable:has(.{name}:hover) :is({','.join(sorted(kept))}){{opacity:1}}"


def _node(node: Node, number: int, rect: Rect, way: str) -> str:
    method, label = _parts(node)
    x = rect.x + _inset(node.kind)
    place = f"\n{plain(node.place.path)}:{node.place.line}" if node.place else ""
    lost = "" if node.reachable else "\nnot reached from a route or a schedule"
    if method:
        width = _cells(method) * _SMALL + 12
        mark = (
            f'<rect class="method" x="{_n(x - 4)}" y="{_n(rect.middle - 9)}" width="{_n(width)}" height="18" rx="4"/>'
            f'<text class="verb" x="{_n(x - 4 + width / 2)}" y="{_n(rect.middle + 3.6)}">{escape(method)}</text>'
        )
        x += width + 4
    else:
        mark = f'<path class="icon" transform="translate({_n(x + 6)} {_n(rect.middle)})" d="{_ICONS[node.kind]}"/>'
        x += _ICON - 6
    tag, link = "g", ""
    if node.place:
        tag, link = "a", f" href={quoteattr(f'{quote(way + node.place.path, errors="replace")}#L{node.place.line}')}"
    marks = f"{node.kind} n{number}" + ("" if node.reachable else " lost")
    return (
        f'<{tag} class="node {marks}" data-id={_quoted(node.id)}{link}>'
        f"<title>{node.kind} {escape(name_of(node) + place + lost)}</title>{_outline(node.kind, rect)}{mark}"
        f'<text class="label" x="{_n(x)}" y="{_n(rect.middle + 4)}">{escape(label)}</text></{tag}>'
    )


def _outline(kind: Kind, rect: Rect) -> str:
    if kind is Kind.gate:
        cut = rect.height / 4  # a stop sign, as flat at its sides as edges need
        xs = (rect.x, rect.x + cut, rect.right - cut, rect.right)
        ys = (rect.y, rect.y + cut, rect.bottom - cut, rect.bottom)
        corners = ((0, 1), (1, 0), (2, 0), (3, 1), (3, 2), (2, 3), (1, 3), (0, 2))
        return f'<polygon points="{" ".join(f"{_n(xs[x])},{_n(ys[y])}" for x, y in corners)}"/>'
    radius = {Kind.schedule: rect.height / 2, Kind.workflow: 9, Kind.route: 6}.get(kind, 2)
    size = f'x="{_n(rect.x)}" y="{_n(rect.y)}" width="{_n(rect.width)}" height="{_n(rect.height)}" rx="{_n(radius)}"'
    return f'<rect class="outline" {size}/>'


def _parts(node: Node) -> tuple[str, str]:
    """A route's method, and what is written beside it."""
    name = name_of(node)
    found = re.fullmatch(r"([A-Z]{3,7}) (/.*)", name) if node.kind is Kind.route else None
    most = _LONGEST_OF_GROUP if node.kind is Kind.group else _LONGEST
    return (found[1], _shortened(found[2], most)) if found else ("", _shortened(name, most))


def _width(node: Node) -> float:
    method, label = _parts(node)
    mark = _cells(method) * _SMALL + 16 if method else _ICON - 6
    return max(2 * _inset(node.kind) + mark + _cells(label) * _MONO, 110)


def _inset(kind: Kind) -> float:
    return {Kind.gate: 14.0, Kind.schedule: 16.0}.get(kind, 12.0)


def _entries(
    structure: Structure, nodes: Iterable[Node], edges: Iterable[Edge], foreign: frozenset[str]
) -> Iterator[tuple[float, str]]:
    """The legend: what occurs, each with its width."""
    kinds = {node.kind for node in nodes}
    for kind in [kind for kind in Kind if kind in kinds]:
        icon = f'<path class="icon" transform="translate(17 0)" d="{_ICONS[kind]}"/>'
        yield _entry(f'<g class="node {kind}">{_outline(kind, Rect(0, -11, 34, 22))}{icon}</g>', kind)
    if any(not node.reachable for node in nodes):
        yield _entry(f'<g class="node lost">{_outline(Kind.function, Rect(0, -11, 34, 22))}</g>', "never reached")
    links = {edge.kind for edge in edges}
    for link in [link for link in Link if link in links]:
        yield _entry(f'<path class="edge {link}" marker-end="url(#durable-{link})" d="M0,0H34"/>', _WORDS[link])
    outside = {node.id for node in nodes if node.group in foreign}
    if any(edge.target in outside for edge in edges):
        yield _entry('<path class="edge calls outside" d="M0,0H34"/>', "into a foreign group")


def _entry(drawn: str, word: str) -> tuple[float, str]:
    return 42 + len(word) * _SMALL + 22, f'{drawn}<text class="soft" x="42" y="4">{word}</text>'


def _flowed(widths: Iterable[float], room: float) -> tuple[list[Point], float]:
    """Where things stand that flow like words, and how high they are together."""
    spots: list[Point] = []
    x = y = 0.0
    for width in widths:
        if x and x + width > room:
            x, y = 0.0, y + 32
        spots.append((x, y))
        x += width
    return spots, y + 32 if spots else 0.0


def _described(structure: Structure, nodes: Iterable[Node], edges: Iterable[Edge]) -> str:
    names = {node.id: name_of(node) for node in nodes}
    facts = [f"{names[edge.source]} {edge.kind} {names[edge.target]}" for edge in edges]
    return f"{counted(structure.nodes) or 'Nothing durable yet'}. {'; '.join(facts)}".strip()


def _shortened(text: str, most: int) -> str:
    """A text of at most that many cells: what is in its middle is left out first."""
    if _cells(text) <= most:
        return text
    head, tail = text, text
    while _cells(head) > most // 2:
        head = head[:-1]
    while _cells(tail) > most - most // 2 - 1:
        tail = tail[1:]
    return f"{head}…{tail}"


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _bold(text: str, size: float) -> float:
    """About how wide a bold text is, where the font has letters of many widths: rather too wide."""
    return size * sum(1.1 if char.isupper() or char in "mw@%…" else _cells(char) * 0.72 for char in text)


def _quoted(text: str) -> str:
    return quoteattr(plain(text))


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _marker(link: Link) -> str:
    shape = "M1 1 8 4.5 1 8" if link is Link.detaches else "M0 .8 8.5 4.5 0 8.2z"
    return (
        f'<marker id="durable-{link}" class="tip {link}" viewBox="0 0 9 9" refX="8.5" refY="4.5" markerWidth="8" '
        f'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="{shape}"/></marker>'
    )


_INK = (
    ".durable text{font:12px ui-sans-serif,system-ui,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}"
    ".durable text.name{font-size:20px;font-weight:600}"
    ".durable text.label{font-family:ui-monospace,'SF Mono',"
    "Menlo,Consolas,'DejaVu Sans Mono','Liberation Mono',monospace}"
    ".durable text.verb{font-size:9.5px;font-weight:700;text-anchor:middle}"
    ".durable .box text{font-size:13px;font-weight:600}"
    ".durable .foreign rect{stroke-dasharray:6 4}"
    ".durable .edge,.durable .icon{fill:none;stroke-width:1.4;stroke-linejoin:round}"
    ".durable .hit{fill:none;stroke:transparent;stroke-width:12;pointer-events:stroke}"
    ".durable :is(.node,.edge){transition:opacity .12s}"
    ".durable .legend :is(.node,.edge){opacity:1!important}"
    ".durable a:hover .label{text-decoration:underline}"
    ".durable .edge.outside{stroke-dasharray:5 4}"
    ".durable .edge.detaches{stroke-width:1.6}"
    ".durable .edge.lost{opacity:.55}"
    ".durable .outline,.durable polygon{stroke-width:1.4}"
    ".durable .workflow .outline{stroke-width:2}"
    ".durable .tip.detaches path{fill:none;stroke-width:1.6}"
)


def _rules(colours: Mapping[str, str]) -> str:
    of = {name: f"fill:{colour}" for name, colour in colours.items()}
    rules = {
        ".paper": f"{of['paper']};stroke:{colours['rim']}",
        "text": of["text"],
        "text.soft": of["soft"],
        ".box rect": f"{of['box']};stroke:{colours['frame']}",
        ".box.foreign rect": f"{of['foreign']};stroke:{colours['edging']}",
        ".outline": of["node"],
        "polygon": of["node"],
        ".method": "fill-opacity:.14",
    }
    for kind in Kind:
        rules[f".{kind} .outline"] = rules[f".{kind} .icon"] = rules[f".{kind} polygon"] = f"stroke:{colours[kind]}"
        rules[f".{kind} .method"] = rules[f".{kind} .verb"] = of[kind]
    for link in Link:
        rules[f".edge.{link}"] = rules[f".tip.{link} path"] = f"stroke:{colours[link]}"
        rules[f".tip.{link}:not(.detaches) path"] = f"{of[link]};stroke:none"
    rules[".edge.lost"] = f"stroke:{colours['faint']}"
    for part in (".outline", "polygon"):
        rules[f".node.lost {part}"] = f"{of['lost']};stroke:{colours['faint']}"
    rules[".node.lost .icon"] = f"stroke:{colours['faint']}"
    rules[".node.lost text"] = rules[".node.lost .method"] = of["soft"]
    return "".join(f".durable {selector}{{{rule}}}" for selector, rule in rules.items())
