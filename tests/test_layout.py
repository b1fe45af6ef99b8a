"""Code that is written down plainly means what was asked for, and ruff can lay it out."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest

from resonate_scaffold import layout
from resonate_scaffold.layout import PROSE, Code, Group, Item

WORDS = ["a", "quantity", "an_order_id", "a_field_with_a_name_of_forty_characters", "x1"]
ATOMS = ["1", "None", "True", '"example"', 'Decimal("1.50")', "request.order_id", "another_name_that_is_rather_long"]
HEADS = [("call(", ")"), ("module.a_function_with_a_long_name(", ")"), ("[", "]")]


def drawn(dice: random.Random, depth: int) -> tuple[Code, str]:
    """Random code, some with comments, and the same without."""
    if depth == 0 or dice.random() < 0.3:
        atom = dice.choice(ATOMS)
        return atom, atom
    inner = [drawn(dice, depth - 1) for _ in range(dice.randint(0, 5))]
    if dice.random() < 0.25:
        head, tail, prefixes = "{", "}", [f'"{dice.choice(WORDS)}{number}": ' for number in range(len(inner))]
    else:
        head, tail = dice.choice(HEADS)
        named = head.endswith("(") and dice.random() < 0.6
        prefixes = [f"{dice.choice(WORDS)}{number}=" if named else "" for number in range(len(inner))]
    items = tuple(
        Item(code, prefix, "Why it is so." if dice.random() < 0.15 else "")
        for (code, _), prefix in zip(inner, prefixes, strict=True)
    )
    flat = ", ".join(prefix + text for (_, text), prefix in zip(inner, prefixes, strict=True))
    return Group(head, items, tail), f"{head}{flat}{tail}"


def formatted(text: str, directory: Path, width: int = PROSE) -> str:
    """The text as the formatter leaves it."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(width), "-q", "-"]
    return subprocess.run(command, cwd=directory, input=text, capture_output=True, text=True, check=True).stdout


def test_code_means_what_was_asked_for() -> None:
    dice = random.Random(0)
    for _ in range(400):
        code, flat = drawn(dice, 5)
        assert ast.dump(ast.parse(layout.render(code))) == ast.dump(ast.parse(flat))


def test_a_comment_stands_above_its_item(tmp_path: Path) -> None:
    code = layout.call("f", [Item("1", "a="), Item("2", "b=", "Why.")])
    assert formatted(layout.render(code), tmp_path) == "f(\n    a=1,\n    # Why.\n    b=2,\n)\n"


def test_texts(tmp_path: Path) -> None:
    for content in ["plain", 'with "quotes"', "it's", "both \" and '", "ümlaut", "\n\t\0", "\u2028", "\\", ""]:
        assert ast.literal_eval(layout.text(content)) == content
        text = f"x = {layout.text(content)}\n"
        assert formatted(text, tmp_path) == text


def test_values() -> None:
    data = {"a": [1, 2.5, None, True], "b": {"c": "d"}, "e": []}
    assert ast.literal_eval(layout.render(layout.value(data))) == data
    assert layout.render(layout.value({})) == "{}"


@pytest.mark.parametrize("indent", [0, 4, 8])
def test_docstrings(indent: int, tmp_path: Path) -> None:
    """Nobody breaks their lines later, so they fit, and the formatter leaves them alone."""
    margin = " " * indent
    opened = ["class A:\n", "    class B:\n"][: indent // 4]
    contents = [
        f"What `{'x' * count}-is` does. " + "It says so, " * (count // 2) + "and that is all." for count in range(1, 40)
    ]
    contents += [("word " * 40)[: length - indent - 1] + "x" for length in range(PROSE - 20, PROSE + 5)]
    for content in contents:
        text = "".join(opened) + f"{margin}{layout.docstring(content, indent=indent)}\n"
        assert all(len(line) <= PROSE for line in text.splitlines())
        assert formatted(text, tmp_path) == text


@pytest.mark.parametrize("kind", ["", "f"])
def test_strings_in_pieces(kind: str, tmp_path: Path) -> None:
    for count in range(1, 30):
        pieces = [f"/segment-{number}" if number % 2 else f"/{{value_{number}}}" for number in range(count)]
        text = layout.strings(pieces, before=f"path = {kind}")
        lines = formatted(text, tmp_path).splitlines()
        assert all(len(line) <= PROSE for line in lines)
        assert (len(lines) == 1) is (len("".join(pieces)) + len("path = ''") + len(kind) <= PROSE)
        values = {f"value_{number}": str(number) for number in range(count)}
        found: dict[str, str] = {}
        exec(text, dict(values), found)
        wanted = "".join(pieces).format(**values) if kind else "".join(pieces)
        assert found["path"] == wanted


def test_annotations_are_written_anew() -> None:
    def name_of(node: ast.expr) -> str | None:
        return {"M": "db.M", "Field": "pydantic.Field"}.get(node.id) if isinstance(node, ast.Name) else None

    def written(text: str) -> str:
        return layout.expression(ast.parse(text, mode="eval").body, name_of)

    assert written("M | None") == "db.M | None"
    assert written("dict[str, list[M]]") == "dict[str, list[db.M]]"
    assert written("Annotated[M, Field(ge=1, le=x.y)]") == "Annotated[db.M, pydantic.Field(ge=1, le=x.y)]"
    assert written("Literal['a', 'b']") == 'Literal["a", "b"]'
    assert written("Callable[[M], None]") == "Callable[[db.M], None]"
    assert written("M | (A | B)") == "db.M | A | B"
    assert written("-1") == "-1"
    assert written("'M'") == '"M"'


@pytest.mark.parametrize("length", range(60, 130))
def test_docstrings_are_broken_as_a_person_would(length: int) -> None:
    """Not between a method and its path, and not so that one word is left for the last line."""
    name = "/".join(["", *("orders" for _ in range(length // 8)), "x" * (length % 8 + 1)])
    lines = layout.docstring(f"POST {name} starts `place-order`; GET /orders/{{id}} says how it goes.").splitlines()
    assert not any(line.endswith(("POST", "GET")) for line in lines)
    assert len(lines) == 1 or " " in lines[-2]
