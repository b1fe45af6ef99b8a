"""What an upgrade makes of a file that both sides changed: by its statements, its imports, its lines."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold import __version__
from resonate_scaffold.upgrade.align import Renamed, align
from resonate_scaffold.upgrade.codemods import modernize
from resonate_scaffold.upgrade.lines import merge_lines
from resonate_scaffold.upgrade.merge import Merged, merge
from resonate_scaffold.upgrade.repository import Tree
from resonate_scaffold.upgrade.resolve import resolve
from resonate_scaffold.upgrade.run import _has_markers
from resonate_scaffold.upgrade.steps import mend
from resonate_scaffold.upgrade.structure import merge_modules

# For each kind of resolution the three sides, and what is to be. None of them is merged by git.
MERGED = {
    "imports are a set": (
        "from a import one\n\nprint(one)\n",
        "from a import one, two\n\nprint(one, two)\n",
        "from b import one\n\nprint(one)\n",
        "from b import one\nfrom a import two\n\nprint(one, two)\n",
    ),
    "an import that nothing reads any more goes": (
        "from a import one, two\n\n\ndef f():\n    return one\n\n\ndef g():\n    return two\n",
        "from a import one, two\nimport mine\n\n\ndef f():\n    return mine.x\n\n\ndef g():\n    return two\n",
        "from b import one\n\n\ndef f():\n    return one\n",
        "import mine\n\n\ndef f():\n    return mine.x\n",
    ),
    "a comment among imports is kept": (
        "from a import one\n\nprint(one)\n",
        "# mine\nfrom a import one\n\nprint(one)\n",
        "from b import one\n\nprint(one)\n",
        "# mine\nfrom b import one\n\nprint(one)\n",
    ),
    "a line beside one that changed": (
        "def f(x):\n    a = x\n    return a\n",
        "def f(x):\n    a = x\n    check(a)\n    return a\n",
        "def f(x):\n    a = int(x)\n    return a\n",
        "def f(x):\n    a = int(x)\n    check(a)\n    return a\n",
    ),
    "the head of a function, and its body": (
        "def f(x: A) -> B:\n    return x\n",
        "def f(x: A) -> B:\n    return x.y\n",
        "@serve\ndef f(x: C) -> B:\n    return x\n",
        "@serve\ndef f(x: C) -> B:\n    return x.y\n",
    ),
    "a definition beside one that is gone": (
        "class A:\n    a: int\n\n\nclass B:\n    b: int\n",
        "class A:\n    a: int\n\n\nclass Mine:\n    c: int\n\n\nclass B:\n    b: int\n",
        "class A:\n    a: str\n",
        "class A:\n    a: str\n\n\nclass Mine:\n    c: int\n",
    ),
    "a definition that we moved": (
        "def f():\n    return 1\n\n\ndef g():\n    return 2\n",
        "def g():\n    return 2\n\n\ndef f():\n    return 1  # mine\n",
        "def f():\n    return 3\n\n\ndef g():\n    return 2\n",
        "def g():\n    return 2\n\n\ndef f():\n    # mine\n    return 3\n",
    ),
    "definitions that both added": (
        "A = 1\n",
        "A = 1\n\n\ndef mine():\n    return A\n",
        "A = 1\n\n\ndef theirs():\n    return A\n",
        "A = 1\n\n\ndef theirs():\n    return A\n\n\ndef mine():\n    return A\n",
    ),
    "code that we only laid out otherwise": (
        "x = g(\n    1,\n)\ny = 1\n",
        "x = g(1)\ny = 2\n",
        "y = 1\n",
        "y = 2\n",
    ),
    "arguments of a call": (
        'x = f("a", low=1)\n',
        'x = f("a", low=2)\n',
        'x = g("a", low=1, high=3)\n',
        'x = g("a", low=2, high=3)\n',
    ),
    "an item more in a list that changed": (
        "X = [one, two]\n",
        "X = [one, two, mine]\n",
        "X = [one, theirs, two]\n",
        "X = [one, theirs, two, mine]\n",
    ),
    "a text by its lines": (
        '"""One.\n\nTwo, as it was.\n"""\n',
        '"""One.\n\nTwo, as it was.\nMine.\n"""\n',
        '"""Three and four.\n\nTwo, as it was.\n"""\n',
        '"""Three and four.\n\nTwo, as it was.\nMine.\n"""\n',
    ),
    "what a variable is said to be stands with it": (
        'class S:\n    a: int = 1\n    """One."""\n',
        'class S:\n    a: int = 1\n    # mine\n    """One."""\n',
        'class S:\n    a: int = 2\n    """Two."""\n    b: int = 1\n    """Other."""\n',
        'class S:\n    # mine\n    a: int = 2\n    """Two."""\n    b: int = 1\n    """Other."""\n',
    ),
}


@pytest.mark.parametrize("kind", MERGED)
def test_python_is_merged_by_its_statements(kind: str) -> None:
    base, ours, theirs, wanted = MERGED[kind]
    found = merge_modules(base, ours, theirs, "2.0")
    assert found is not None
    assert (found.text, found.conflicts) == (wanted, 0)


REALLY_IN_CONFLICT = {
    "one value": ("x = 1\n", "x = 2\n", "x = 3\n"),
    "changed here and gone there": ("x = 1\nf(x)\n", "x = 2\nf(x)\n", "f(0)\n"),
    "gone here and changed there": ("x = 1\nf(x)\n", "f(0)\n", "x = 2\nf(x)\n"),
    "different statements at one place": (
        "def f():\n    a()\n    b()\n",
        "def f():\n    a()\n    mine()\n    b()\n",
        "def f():\n    a()\n    theirs()\n    b()\n",
    ),
    "within what was written anew": (
        "def f():\n    a()\n    b()\n    c()\n",
        "def f():\n    a()\n    mine()\n    b()\n    c()\n",
        "def f():\n    c()\n",
    ),
    "two things of one name": ("x = 1\n", "x = 1\n\n\ndef f():\n    mine()\n", "x = 1\n\n\ndef f():\n    theirs()\n"),
    "a comment within what changed": ("x = f(\n    1,\n)\n", "x = f(\n    # mine\n    1,\n)\n", "x = f(\n    2,\n)\n"),
}


@pytest.mark.parametrize("kind", REALLY_IN_CONFLICT)
def test_what_both_sides_said_otherwise_is_a_conflict(kind: str) -> None:
    found = merge_modules(*REALLY_IN_CONFLICT[kind], "2.0")
    assert found is not None and found.conflicts == 1
    assert "<<<<<<< yours\n" in found.text and ">>>>>>> 2.0\n" in found.text


def test_only_what_is_in_conflict_has_markers() -> None:
    base = "from a import one\n\n\ndef f():\n    return one\n\n\ndef g():\n    x = 1\n    return x\n"
    ours = base.replace("one\n", "one, two\n", 1).replace("return one", "return two").replace("x = 1", "x = 2")
    theirs = base.replace("from a", "from b").replace("x = 1", "x = 3")
    found = merge_modules(base, ours, theirs, "2.0")
    assert found is not None and found.conflicts == 1
    assert "    return two\n" in found.text and "from a import two\n" in found.text
    assert found.text.endswith("<<<<<<< yours\n    x = 2\n=======\n    x = 3\n>>>>>>> 2.0\n    return x\n")


UNCERTAIN = {
    "a name that is gone is read": ("x = 1\ny = 1\n", "x = 1\ny = 1\n\n\ndef f():\n    return y\n", "x = 2\n"),
    "one name for two things": (
        "print(1)\n",
        "from a import f\n\nprint(1, f)\n",
        "from b import f\n\nprint(f)\n",
    ),
    "no Python": ("x = 1\n", "x = (\n", "x = 2\n"),
    "two statements on a line": ("x = 1; y = 1\n", "x = 1; y = 2\n", "x = 2; y = 1\n"),
}


@pytest.mark.parametrize("kind", UNCERTAIN)
def test_where_it_is_not_certain_git_has_the_word(kind: str) -> None:
    assert merge_modules(*UNCERTAIN[kind], "2.0") is None


def test_lines_beside_each_other() -> None:
    assert merge_lines("a\nb\nc\n", "a\nmine\nb\nc\n", "A a\nb\nc\n") == "A a\nmine\nb\nc\n"
    assert merge_lines("# a\nx=1\n", "# mine\n# a\nx=1\n", "# theirs\n# a\nx=2 1\n", "#") is not None
    assert merge_lines("a\nb\n", "a\nmine\nb\n", "a\ntheirs\nb\n") is None
    assert merge_lines("one word\n", "one word of mine\n", "one word of theirs\n") is None


def resolved(path: str, base: str, ours: str, theirs: str) -> Merged:
    trees = [Tree({PurePosixPath(path): text.encode()}) for text in (base, ours, theirs)]
    by_lines = merge(trees[0], trees[1], trees[2], "2.0")
    return resolve(by_lines, trees[0], trees[1], trees[2], "2.0", lambda _, content: content)


def test_a_file_is_looked_at_again() -> None:
    merged = resolved("a.toml", "a = 1\nb = 1\n", "a = 1\nmine = 1\nb = 1\n", "a = 2\nb = 1\n")
    assert (merged.conflicts, merged.sides) == ((), {})
    assert merged.tree.files[PurePosixPath("a.toml")] == b"a = 2\nmine = 1\nb = 1\n"
    # Two values of one key: that is no TOML.
    broken = resolved("a.toml", "a = 1\nb = 1\n", "a = 1\nx = 1\nb = 1\n", "a = 2\nb = 1\nx = 2\n")
    assert len(broken.conflicts) == 1 and PurePosixPath("a.toml") in broken.sides


def test_a_name_that_git_left_without_its_import() -> None:
    """Git merges it: the new function is far from the import that the other side took out."""
    body = "".join(f"\n\ndef f{number}():\n    return {number}\n" for number in range(5))
    base = f"from a import one\n\nprint(one){body}"
    merged = resolved("a.py", base, f"{base}\n\ndef mine():\n    return one\n", f"print(1){body}")
    assert merged.conflicts == ()
    text = merged.tree.files[PurePosixPath("a.py")].decode()
    assert text == f"from a import one\n\nprint(1){body}\n\ndef mine():\n    return one\n"


@pytest.mark.parametrize(("line", "is_marker"), [("yours", True), ("yours:a/b.py", True), ("yours truly", False)])
def test_markers_of_a_file_that_was_renamed(tmp_path: Path, line: str, is_marker: bool) -> None:
    (tmp_path / "a.py").write_text(f"x = 1\n<<<<<<< {line}\n")
    assert _has_markers(tmp_path, PurePosixPath("a.py"), "2.0") is is_marker


def test_what_a_module_imports_moves_with_it() -> None:
    old, new = PurePosixPath("shop/api/routes/jobs.py"), PurePosixPath("shop/api/jobs.py")
    text = b"from ... import ids\nfrom ..answers import poll\nfrom .other import x\n"
    base, ours = Tree({old: text}), Tree({old: text + b"from ...mine import y\n"})
    aligned = align(base, ours, Tree({new: b""}), [Renamed(r"(shop)/api/routes/([^/]+\.py)", r"\1/api/\2")])
    moved = b"from .. import ids\nfrom .answers import poll\nfrom .other import x\n"
    assert [tree.files for tree in aligned] == [{new: moved}, {new: moved + b"from ..mine import y\n"}]


def test_an_import_of_the_new_version_means_what_it_says() -> None:
    """A module has the name that a function had: what imports the module stays."""
    contract = PurePosixPath("shop/contracts/workflows/ship.py")
    path = PurePosixPath("shop/workflows/ship.py")
    theirs = "from ..contracts.workflows import ship as contract\n\nprint(contract.ship)\n"
    new = {contract: b"ship = 1\n", path: theirs.encode()}
    mine = {**new, path: f"{theirs}from ..contracts.workflows import ship\n".encode()}
    found = modernize(mine, new, "shop", "0.1.0", "0.2.0").files[path].decode()
    assert found == f"{theirs}from ..contracts.workflows.ship import ship\n"


OWN_TEST = """
from orders.contracts.workflows import approval
from .conftest import Call, Service, Start, problem, their_own
from tests.crashes import Crashes

PATH = "/orders"


async def test_of_mine(service: Service, start: Start) -> None:
    await service.eventually(lambda: service.engine.find("x"))
    await service.answer(approval, (await ask(service)).json()["id"], True)
    async with start(api_keys="") as other:
        await other.answer(approval, location.removeprefix("/orders/"), True)
        await other.answer(approval, "order/1", True)
    run = service.run(place, "place-order/test", 1)
    await service.answer(approval, "test", True)
"""
OWN_TEST_NOW = """
from orders.contracts.workflows import approval
from orders.runtime.testing.running import CallFunction, RunningService, StartService, problem
from .conftest import their_own
from orders.runtime.testing.crashes import Crashes
from orders.runtime.durable.ids import root_id

PATH = "/orders"


async def test_of_mine(service: RunningService, start_service: StartService) -> None:
    await service.poll_until(lambda: service.client.find("x"))
    await service.answer(approval, root_id("order", (await ask(service)).json()["id"]), True)
    async with start_service(api_keys="") as other:
        await other.answer(approval, root_id("order", location.removeprefix(f"{POLLED}/")), True)
        await other.answer(approval, "order/1", True)
    run = service.run(place, "place-order/test", 1)
    await service.answer(approval, "place-order/test", True)
"""


def test_tests_of_the_owner_follow() -> None:
    path, route = PurePosixPath("tests/test_orders.py"), PurePosixPath("orders/api/orders.py")
    api = b'@router.post(\n    "/orders", status_code=202)\nroot = root_id("order", caller.visible(id))\n'
    new = {path: b'PATH = "/orders"\nPOLLED = "/jobs/orders"\n', route: api}
    found, told = mend("0.1.0", __version__, "orders", {path: OWN_TEST.encode()}, new)
    assert (found[path].decode(), told) == (OWN_TEST_NOW, [])
    assert mend("0.1.0", __version__, "orders", found, new) == (found, [])
    lost, told = mend("0.1.0", __version__, "orders", {path: OWN_TEST.encode()}, {})
    assert len(told) == 2 and all("root_id(KIND" in line for line in told)
    assert b'answer(approval, "place-order/test"' in lost[path]
