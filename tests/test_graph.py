"""The renderers of `graph`: exact text where it is text, geometry where it is a drawing."""

from __future__ import annotations

import json
import math
import random
import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import combinations
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from resonate_scaffold.code.facts import Place
from resonate_scaffold.errors import UsageError, plain
from resonate_scaffold.graph import data, mermaid, parts, svg, tree
from resonate_scaffold.graph.layers import spread
from resonate_scaffold.graph.structure import Edge, Group, Kind, Link, Node, Structure

SVG = "{http://www.w3.org/2000/svg}"
RENDERERS = {"tree": tree.render, "mermaid": mermaid.render, "svg": svg.render, "json": data.render}
EMPTY = Structure("empty", (), (), ())

ORDERS = Structure(
    "orders",
    (Group("api", False), Group("workers", False), Group("db", False), Group("mail", True)),
    (
        Node("r1", Kind.route, "POST /orders", "api", Place("orders/api/orders.py", 12)),
        Node("r2", Kind.route, "POST /approvals/{id:path}", "api", Place("orders/api/approvals.py", 7)),
        Node("s1", Kind.schedule, "nightly 0 3 * * *", "workers", Place("orders/schedules.py", 3)),
        Node("w1", Kind.workflow, "fulfil", "workers", Place("orders/fulfil.py", 20)),
        Node("w2", Kind.workflow, "fulfil", "workers", Place("orders/fulfil.py", 60), reachable=False, version=2),
        Node("g1", Kind.gate, "approval", "workers", Place("orders/contracts.py", 9)),
        Node("f1", Kind.function, "db.save", "db", Place("orders/db/save.py", 5)),
        Node("f2", Kind.function, "mail.send", "mail"),
    ),
    (
        Edge("r1", "w1", Link.starts),
        Edge("s1", "w1", Link.starts),
        Edge("w1", "f1", Link.calls),
        Edge("w1", "f1", Link.calls),
        Edge("w1", "g1", Link.waits),
        Edge("w1", "w1", Link.detaches),
        Edge("w1", "f2", Link.detaches),
        Edge("r2", "g1", Link.answers),
        Edge("w2", "f1", Link.calls),
    ),
)

HOSTILE = [
    'say "hi"', "a<b>&amp;</b>", "#35; #quot;", "x[0]{y}(z)|p|", "1. list", "*em* `md` _u_", "end", "%%{init: {}}%%",
    "line\nbreak\ttab", "back\\nslash", "style:x#f;", "classDef a:b#c;", "\x00\x1b[31m\x85\u2028", "\ud800 \ufffe",
    "\u202e",
    "日本語のとても長いラベルで幅が二倍になるもの",
    "é" * 80, "W" * 200, "", "]]>", "--> <!-- -->", "</text></svg>",
    "POST /<x>?a=\"b\"&c",
]  # fmt: skip


def service(seed: int, size: int) -> Structure:
    """A service with so many nodes, as wild as the types allow: cycles, strays, foreign groups, no group at all."""
    rng = random.Random(seed * 1000 + size)
    groups = [f"group-{n}" for n in range(rng.randint(1, 6))]
    kinds = rng.choices(list(Kind), (25, 5, 30, 20, 10, 7, 1, 2), k=size)
    nodes = [
        Node(
            f"id-{n}",
            kind,
            f"{kind}-{'x' * int(rng.triangular(0, 60, 3))}",
            "api" if kind is Kind.route else rng.choice([*groups, *groups, None]),
            reachable=rng.random() < 0.8,
            version=rng.choice((1, 1, 1, 12)),
        )
        for n, kind in enumerate(kinds)
    ]
    running = [node.id for node in nodes if node.kind in (Kind.workflow, Kind.function)]
    gates = [node.id for node in nodes if node.kind is Kind.gate]
    edges = []
    for node in nodes:
        entry = node.kind in (Kind.route, Kind.schedule)
        for _ in range(0 if node.kind is Kind.gate or not running else rng.randint(0, 1 if entry else 3)):
            link = Link.starts if entry else rng.choice((Link.calls, Link.calls, Link.detaches))
            edges.append(Edge(node.id, rng.choice(running), link))
        if gates and node.kind in (Kind.route, Kind.workflow) and rng.random() < 0.3:
            edges.append(Edge(node.id, rng.choice(gates), Link.answers if node.kind is Kind.route else Link.waits))
    named = tuple(Group(name, rng.random() < 0.3) for name in groups)
    return Structure("generated", (Group("api", False), *named), tuple(nodes), tuple(edges))


SIZES = [0, 1, 5, 60, 200]
generated = pytest.mark.parametrize("structure", [service(seed, size) for size in SIZES for seed in range(3)])


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, other: Box) -> bool:
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom

    def meets(self, other: Box, apart: float = 0) -> bool:
        across = self.left < other.right + apart and other.left < self.right + apart
        return across and self.top < other.bottom + apart and other.top < self.bottom + apart

    def moved(self, x: float, y: float) -> Box:
        return Box(self.left + x, self.top + y, self.right + x, self.bottom + y)


class Drawing:
    """An SVG as it was drawn; what is of the graph, in the coordinates of the graph."""

    def __init__(self, structure: Structure) -> None:
        self.root = ElementTree.fromstring(svg.render(structure))
        self.page = Box(0, 0, *map(float, self.root.attrib["viewBox"].split()[2:]))
        (graph,) = self.root.iterfind(f"{SVG}g[@id='durable-graph']")
        self.origin = offset(graph)
        self.groups = {it.attrib["data-group"]: it for it in graph if of_class(it, "box")}
        self.nodes = {it.attrib["data-id"]: it for it in graph if of_class(it, "node")}
        self.edges = [it for it in graph if of_class(it, "edge")]
        self.legend = [it for it in self.root if of_class(it, "legend")]
        self.frames = {name: frame(it) for name, it in self.groups.items()}
        self.outlines = {id: frame(it) for id, it in self.nodes.items()}

    def page_box(self, box: Box) -> Box:
        return box.moved(*self.origin)


def of_class(element: Element, name: str) -> bool:
    return name in element.get("class", "").split()


def offset(element: Element) -> tuple[float, float]:
    x, y = numbers(element.attrib["transform"])
    return x, y


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", text)]


def frame(element: Element) -> Box:
    """The outline of a node or of a group: the first shape in it."""
    for child in element:
        if child.tag == f"{SVG}polygon":
            xs, ys = numbers(child.attrib["points"])[::2], numbers(child.attrib["points"])[1::2]
            return Box(min(xs), min(ys), max(xs), max(ys))
        if child.tag == f"{SVG}rect":
            x, y, width, height = (float(child.attrib[name]) for name in ("x", "y", "width", "height"))
            return Box(x, y, x + width, y + height)
    raise AssertionError("no outline")


def text_box(text: Element, cell: float) -> Box:
    """A text of 12 or 13 pixels by an estimate of its own, which knows no font: ``cell`` is the width of a letter."""
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    width = cell * sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text.text or "")
    start = x - width / 2 if of_class(text, "verb") else x
    return Box(start, y - 10, start + width, y + 3)


def along(edge: Element) -> list[tuple[float, float]]:
    """Points on an edge, about six pixels from each other."""
    values = numbers(edge.attrib["d"])
    corners = list(zip(values[::2], values[1::2], strict=True))
    points = corners[:1]
    for n in range(1, len(corners), 3):
        a, (b, c, d) = points[-1], corners[n : n + 3]
        steps = int(math.dist(a, d) / 4) + 10
        for t in (step / steps for step in range(1, steps + 1)):
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            x, y = (sum(w * p[axis] for w, p in zip(weights, (a, b, c, d), strict=True)) for axis in (0, 1))
            points.append((x, y))
    return points


def test_tree() -> None:
    assert (
        tree.render(ORDERS)
        == """\
orders: 2 routes, 1 schedule, 2 workflows, 2 functions, 1 gate

api
  POST /orders                                   orders/api/orders.py:12
  └─ fulfil                      workers         orders/fulfil.py:20
     ├─ db.save                  db              orders/db/save.py:5
     ├─ waits for ◇ approval     workers         orders/contracts.py:9
     ├─ detaches fulfil (above)  workers
     └─ detaches mail.send       mail (foreign)
  POST /approvals/{id:path}                      orders/api/approvals.py:7
  └─ answers ◇ approval          workers

workers
  ◷ nightly 0 3 * * *                            orders/schedules.py:3
  └─ fulfil (above)

not reached from a route or a schedule
  fulfil v2                      workers         orders/fulfil.py:60
  └─ db.save                     db
"""
    )


def test_tree_of_what_only_calls_itself() -> None:
    nodes = (
        Node("a", Kind.workflow, "a", None),
        Node("b", Kind.workflow, "b", None),
        Node("c", Kind.workflow, "c", None),
    )
    edges = (Edge("a", "b", Link.calls), Edge("b", "a", Link.calls), Edge("c", "a", Link.calls))
    assert (
        tree.render(Structure("cycle", (), nodes, edges))
        == """\
cycle: 3 workflows

not reached from a route or a schedule
  c
  └─ a
     └─ b
        └─ a (above)
"""
    )


def test_tree_is_not_pushed_by_one_long_line() -> None:
    labels = {"a": "GET /" + "x" * 90, "b": "GET /日本"}
    nodes = tuple(Node(id, Kind.route, label, None, Place(f"{id}.py", 1)) for id, label in labels.items())
    assert tree.render(Structure("long", (), nodes, ())).splitlines()[3:] == [
        f"  GET /{'x' * 90}  a.py:1",
        "  GET /日本  b.py:1",
    ]


def test_tree_of_a_deep_chain() -> None:
    kinds = [Kind.route] + [Kind.workflow] * 1199
    nodes = tuple(Node(str(n), kind, f"w{n}", None) for n, kind in enumerate(kinds))
    edges = tuple(Edge(str(n), str(n + 1), Link.calls) for n in range(1199))
    assert tree.render(Structure("deep", (), nodes, edges)).count("└─") == 1199


def test_tree_of_nothing() -> None:
    assert tree.render(EMPTY) == "empty: nothing durable yet\n"


@pytest.mark.parametrize("name", RENDERERS)
def test_order_of_the_structure(name: str) -> None:
    """Only that of the edges of a node counts: the order of its code. The tree keeps that of the nodes, too."""
    edges = tuple(sorted(ORDERS.edges, key=lambda edge: edge.source, reverse=True))
    turned = replace(ORDERS, groups=ORDERS.groups[::-1], nodes=ORDERS.nodes[::-1], edges=edges)
    assert (RENDERERS[name](turned) == RENDERERS[name](ORDERS)) == (name != "tree")


def test_children_stand_in_the_order_of_the_code() -> None:
    nodes = tuple(Node(id, Kind.workflow, id, None) for id in "abcd")
    edges = tuple(Edge("a", id, Link.calls) for id in "dbc")
    order = Structure("order", (), nodes, edges)
    assert [line.split()[1] for line in tree.render(order).splitlines()[4:]] == ["d", "b", "c"]
    assert re.findall(r"n1 --> (\w+)", mermaid.render(order)) == ["n4", "n2", "n3"]
    assert [edge["target"] for edge in json.loads(data.render(order))["edges"]] == ["d", "b", "c"]


def test_mermaid() -> None:
    assert (
        mermaid.render(ORDERS)
        == """\
---
title: "orders"
---
flowchart LR
  subgraph g1["api"]
    n1("POST /approvals/{id:path}")
    n2("POST /orders")
  end
  subgraph g2["db"]
    n6["db.save"]
  end
  subgraph g3["workers"]
    n3(["◷ nightly 0 3 #42; #42; #42;"])
    n4[["fulfil"]]
    n5[["fulfil v2"]]
    n8{{"◇ approval"}}
  end
  subgraph g4["mail (foreign)"]
    n7["mail.send"]
  end
  n2 --> n4
  n1 -->|answers| n8
  n3 --> n4
  n4 --> n6
  n4 -->|waits| n8
  n4 -->|detaches| n4
  n4 -.->|detaches| n7
  n5 --> n6
  classDef foreign fill:#fff7ed,stroke:#c2803a,color:#7c4a12,stroke-dasharray:5 4
  class g4 foreign
  classDef unreachable fill:#eceef1,stroke:#b3bac5,color:#6b7280
  class n5 unreachable
"""
    )


@pytest.mark.parametrize("label", HOSTILE)
def test_mermaid_of_any_text(label: str) -> None:
    """All that Mermaid reads into a quoted text is a code; and what it decodes again, is the text."""
    name = label or "nameless"
    structure = Structure(label, (Group(name, False),), (Node(label, Kind.function, label, name),), ())
    *front, flowchart, group, node, end = mermaid.render(structure).splitlines()
    assert (front[0], front[2:]) == ("---", ["---"])
    assert json.loads(front[1].removeprefix("title: ")) == plain(label)
    assert "%" not in front[1]
    assert (flowchart, end) == ("flowchart LR", "  end")
    for text, line, before, after in ((name, group, '  subgraph g1["', '"]'), (label, node, '    n1["', '"]')):
        inside = line.removeprefix(before).removesuffix(after)
        assert line == before + inside + after
        assert not re.search(r"""[^\w /.,:+=?!|()\[\]{}#;-]|#(?!\d+;)|(?<!\d);""", inside)
        assert not re.search(r"(style|classDef).*:", inside)
        assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), inside) == plain(text)


def test_json() -> None:
    read = json.loads(data.render(ORDERS))
    assert list(read) == ["title", "groups", "nodes", "edges"]
    assert read["title"] == "orders"
    assert read["groups"] == [{"name": name, "foreign": name == "mail"} for name in ("api", "db", "mail", "workers")]
    assert [node["id"] for node in read["nodes"]] == ["r2", "r1", "s1", "w1", "w2", "f1", "f2", "g1"]
    assert read["nodes"][4] == {
        "id": "w2",
        "kind": "workflow",
        "label": "fulfil",
        "group": "workers",
        "place": {"path": "orders/fulfil.py", "line": 60},
        "reachable": False,
        "version": 2,
    }
    assert read["nodes"][6]["place"] is None
    assert read["edges"][:2] == [
        {"source": "r1", "target": "w1", "kind": "starts"},
        {"source": "r2", "target": "g1", "kind": "answers"},
    ]
    assert len(read["edges"]) == 8


@generated
def test_all_is_drawn(structure: Structure) -> None:
    drawing = Drawing(structure)
    assert set(drawing.nodes) == {node.id for node in structure.nodes}
    assert set(drawing.groups) == {group.name for group in structure.groups}
    drawn = [
        (edge.attrib["data-source"], edge.attrib["data-target"], Link(edge.attrib["class"].split()[1]))
        for edge in drawing.edges
    ]
    assert sorted(drawn) == sorted({(edge.source, edge.target, edge.kind) for edge in structure.edges})


@generated
def test_nodes_stand_apart_and_in_their_boxes(structure: Structure) -> None:
    drawing = Drawing(structure)
    for (one, first), (other, second) in combinations(drawing.outlines.items(), 2):
        assert not first.meets(second, 12), (one, other)
    for node in structure.nodes:
        for name, box in drawing.frames.items():
            outline = drawing.outlines[node.id]
            assert box.holds(outline) if name == node.group else not box.meets(outline), (node, name)


@generated
def test_boxes_stand_apart(structure: Structure) -> None:
    for (one, first), (other, second) in combinations(Drawing(structure).frames.items(), 2):
        assert not first.meets(second, 20), (one, other)


@generated
def test_texts_are_in_their_boxes(structure: Structure) -> None:
    drawing = Drawing(structure)
    for id, node in drawing.nodes.items():
        (label,) = (text for text in node.iterfind(f"{SVG}text") if of_class(text, "label"))
        assert drawing.outlines[id].holds(text_box(label, 7.5)), label.text
    for name, group in drawing.groups.items():
        (heading,) = group.iterfind(f"{SVG}text")
        box = text_box(heading, 9)
        assert drawing.frames[name].holds(box), heading.text
        assert not any(box.meets(outline) for outline in drawing.outlines.values()), heading.text


@generated
def test_edges_meet_their_own_nodes_only(structure: Structure) -> None:
    drawing = Drawing(structure)
    for edge in drawing.edges:
        points = along(edge)
        for (x, y), end in ((points[0], "data-source"), (points[-1], "data-target")):
            node = drawing.outlines[edge.attrib[end]]
            assert min(abs(x - node.left), abs(x - node.right)) < 0.2  # which is rounding
            assert node.top + 8 < y < node.bottom - 8  # where the sides of all shapes but schedules are straight
        xs, ys = zip(*points, strict=True)
        whole = Box(min(xs), min(ys), max(xs), max(ys))
        for id, node in drawing.outlines.items():
            inner = Box(node.left + 0.2, node.top + 0.2, node.right - 0.2, node.bottom - 0.2)
            if inner.meets(whole):
                assert not any(inner.meets(Box(x, y, x, y)) for x, y in points), (edge.attrib, id)


@generated
def test_the_page_holds_all(structure: Structure) -> None:
    drawing = Drawing(structure)
    boxes = [drawing.page_box(box) for box in (*drawing.frames.values(), *drawing.outlines.values())]
    boxes += [drawing.page_box(Box(x, y, x, y)) for edge in drawing.edges for x, y in along(edge)]
    entries = []
    for entry in drawing.legend:
        (word,) = entry.iterfind(f"{SVG}text")
        text = text_box(word, 6.8)
        entries.append(replace(text, left=0, top=-11, bottom=11).moved(*offset(entry)))
    for box in (*boxes, *entries):
        assert drawing.page.holds(box)
    assert not boxes or abs(min(box.left for box in boxes) - 32) < 0.2
    assert not boxes or max(box.right for box in boxes) < drawing.page.right - 31.8
    for box in entries:
        assert not any(box.meets(other) for other in boxes)
    assert not any(one.meets(other) for one, other in combinations(entries, 2))


def test_layers() -> None:
    """Routes and schedules, workflows, functions: from left to right, whatever the groups are called."""
    left = {id: box.left for id, box in Drawing(ORDERS).outlines.items()}
    assert max(left["r1"], left["r2"]) < left["s1"] < left["w1"] < left["g1"] < min(left["f1"], left["f2"])


def test_groups_that_call_each_other_stand_in_one_layer() -> None:
    names = ("here", "there", "beyond")
    nodes = tuple(Node(name, Kind.workflow, name, name) for name in names)
    edges = [Edge("here", "there", Link.calls), Edge("there", "beyond", Link.calls), Edge("there", "here", Link.calls)]
    frames = Drawing(Structure("mutual", (), nodes, tuple(edges))).frames
    assert frames["here"].left == frames["there"].left < frames["beyond"].left


def test_edges_that_need_not_cross_do_not() -> None:
    rng = random.Random(3)
    ends = rng.sample(range(20), 20)
    nodes = [Node(f"r{n}", Kind.route, f"GET /{n:02}", "api") for n in range(20)]
    nodes += [Node(f"w{n}", Kind.workflow, f"w{n:02}", "workers") for n in range(20)]
    edges = [Edge(f"r{n}", f"w{end}", Link.starts) for n, end in enumerate(ends)]
    top = {id: box.top for id, box in Drawing(Structure("pairs", (), tuple(nodes), tuple(edges))).outlines.items()}
    routes = sorted(range(20), key=lambda n: top[f"r{n}"])
    assert [ends[n] for n in routes] == sorted(range(20), key=lambda n: top[f"w{n}"])


def test_boxes_stand_beside_what_they_belong_to() -> None:
    nodes = [Node(f"r{n}", Kind.route, f"GET /{n}", "api") for n in range(9)]
    nodes.append(Node("w", Kind.workflow, "w", "workers"))
    edges = tuple(Edge(node.id, "w", Link.starts) for node in nodes[:-1])
    outlines = Drawing(Structure("fan", (), tuple(nodes), edges)).outlines
    assert abs(outlines["w"].top - outlines["r4"].top) < 1


def test_what_nothing_calls_stands_beside_what_it_calls() -> None:
    """But routes stand at the left, and what has no edges at the bottom."""
    nodes = [Node(f"r{n}", Kind.route, f"GET /{n}", "api") for n in range(4)]
    nodes += [Node(name, Kind.workflow, name, name) for name in ("near", "far", "beside")]
    edges = (Edge("r3", "near", Link.starts), Edge("near", "far", Link.calls), Edge("beside", "far", Link.calls))
    outlines = Drawing(Structure("near", (), tuple(nodes), edges)).outlines
    assert outlines["r3"].left < outlines["near"].left == outlines["beside"].left < outlines["far"].left
    assert outlines["r3"].top < outlines["r0"].top


def test_marks() -> None:
    drawing = Drawing(ORDERS)
    classes = {
        (edge.attrib["data-source"], edge.attrib["data-target"]): re.sub(r" e\d+", "", edge.attrib["class"])
        for edge in drawing.edges
    }
    assert classes["w1", "f2"] == "edge detaches outside"
    assert classes["w2", "f1"] == "edge calls lost"
    assert classes["w1", "f1"] == "edge calls"
    assert {id for id, node in drawing.nodes.items() if of_class(node, "lost")} == {"w2"}
    assert {name for name, group in drawing.groups.items() if of_class(group, "foreign")} == {"mail"}
    assert [entry.findtext(f"{SVG}text") for entry in drawing.legend] == [
        *("route", "schedule", "workflow", "function", "gate", "never reached"),
        *("starts", "calls, and waits", "calls, and goes on", "waits for an answer", "answers", "into a foreign group"),
    ]


def test_legend_of_what_occurs() -> None:
    structure = Structure("one", (), (Node("r", Kind.route, "GET /", None),), ())
    assert [entry.findtext(f"{SVG}text") for entry in Drawing(structure).legend] == ["route"]
    assert Drawing(EMPTY).legend == []


def test_for_those_who_do_not_see() -> None:
    root = Drawing(ORDERS).root
    assert root.attrib["role"] == "img"
    title, description = root[0], root[1]
    assert root.attrib["aria-labelledby"].split() == [title.attrib["id"], description.attrib["id"]]
    assert (title.tag, title.text) == (f"{SVG}title", "orders")
    assert description.tag == f"{SVG}desc"
    assert "POST /approvals/{id:path} answers approval" in (description.text or "")


def test_nothing_from_outside() -> None:
    text = svg.render(ORDERS).replace("http://www.w3.org/2000/svg", "", 1)
    assert not re.search(r"http|<script|<image|<use|@import|@font-face", text)
    assert set(re.findall(r"url\((.)", text)) == {"#"}


def test_nodes_lead_to_their_code() -> None:
    drawing = Drawing(ORDERS)
    assert drawing.nodes["r2"].attrib["href"] == "orders/api/approvals.py#L7"
    assert drawing.nodes["f2"].tag == f"{SVG}g" and "href" not in drawing.nodes["f2"].attrib  # its code is not known
    odd = Structure("odd", (), (Node("a", Kind.step, "a", None, Place('a b/"ü#?javascript:.py', 3)),), ())
    assert 'href="../a%20b/%22%C3%BC%23%3Fjavascript%3A.py#L3"' in svg.render(odd, "../")


def test_what_an_edge_joins_stays_while_the_pointer_is_on_it() -> None:
    drawing = Drawing(ORDERS)
    style = drawing.root.findtext(f"{SVG}style") or ""
    rules = dict(re.findall(r"\.durable:has\(\.(\w+):hover\) :is\(([^)]*)\)\{opacity:1\}", style))
    numbers = {id: node.attrib["class"].split()[2] for id, node in drawing.nodes.items()}
    for edge in drawing.edges:
        own = next(it for it in edge.attrib["class"].split() if re.fullmatch(r"e\d+", it))
        ends = {numbers[edge.attrib["data-source"]], numbers[edge.attrib["data-target"]]}
        assert set(rules[own].split(",")) == {f".{it}" for it in (own, *ends)}
        assert all({f".{own}", *(f".{it}" for it in ends)} <= set(rules[end].split(",")) for end in ends)
    assert rules.keys() >= set(numbers.values())


@pytest.mark.parametrize(
    ("names", "nodes"),
    [
        (["POST /orders"], {"r1", "w1", "f1", "f2", "g1", "r2"}),
        (["/approvals/{id:path}"], {"r2", "g1"}),
        (["mail.send", "db.save"], {"f1", "f2"}),
        (["fulfil"], {"w1", "w2", "f1", "f2", "g1", "r2"}),
    ],
)
def test_what_one_route_leads_to(names: list[str], nodes: set[str]) -> None:
    part = parts.reached_from(ORDERS, names)
    assert {node.id for node in part.nodes} == nodes
    assert {edge.source for edge in part.edges} | {edge.target for edge in part.edges} <= nodes
    assert {group.name for group in part.groups} == {node.group for node in part.nodes}
    for name in RENDERERS:
        RENDERERS[name](part)


def test_from_what_is_not_there() -> None:
    with pytest.raises(UsageError, match="there is no 'POST /order' here") as caught:
        parts.reached_from(ORDERS, ["POST /order"])
    assert caught.value.hint == "For example: --from 'POST /orders'"


def test_by_group() -> None:
    assert (
        tree.render(parts.by_group(ORDERS))
        == """\
orders: 4 groups

groups
  api: 2 routes
  ├─ workers: 1 schedule, 2 workflows, 1 gate
  │  ├─ db: 1 function
  │  └─ detaches mail (foreign): 1 function
  └─ answers workers: 1 schedule, 2 workflows, 1 gate (above)
"""
    )
    drawing = Drawing(parts.by_group(service(0, 200)))
    assert len(drawing.nodes) <= 8


@pytest.mark.parametrize("label", HOSTILE)
def test_svg_of_any_text(label: str) -> None:
    nodes = tuple(Node(f"{kind}{label}", kind, label, label, Place(label, 1)) for kind in Kind)
    edges = (Edge(f"workflow{label}", f"gate{label}", Link.waits),)
    drawing = Drawing(Structure(label, (Group(label, True),), nodes, edges))
    assert drawing.root.findtext(f"{SVG}title", "") == plain(label)
    for node in nodes:
        drawn = drawing.nodes[plain(node.id)]
        assert drawn.findtext(f"{SVG}title") == f"{node.kind} {plain(label)}\n{plain(label)}:1"
        (text,) = (text for text in drawn.iterfind(f"{SVG}text") if of_class(text, "label"))
        verb = drawn.findtext(f"{SVG}text[@class='verb']")
        shown = f"{verb} {text.text or ''}" if verb else text.text or ""
        head, cut, tail = shown.partition("…")
        assert plain(label).startswith(head) and plain(label).endswith(tail) if cut else shown == plain(label)
        outline = drawing.outlines[plain(node.id)]
        assert outline.holds(text_box(text, 7.5))
        assert outline.right - outline.left < 400


def test_spread() -> None:
    inf = float("inf")
    assert spread([], [], 5, -inf, inf) == []
    assert spread([0, 100], [10, 10], 5, -inf, inf) == [0, 100]
    assert spread([0, 0, 0], [10, 10, 10], 5, -inf, inf) == [-15, 0, 15]
    assert spread([0, 0, 0], [10, 10, 10], 5, 0, 100) == [5, 20, 35]
    assert spread([9, 9, 9], [10, 10, 10], 5, -100, 10) == [-25, -10, 5]
    assert spread([20, 0], [10, 30], 0, -inf, inf) == [0, 20]
