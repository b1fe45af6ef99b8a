"""Layout agrees with `ruff format`, whatever is nested in whatever."""

from __future__ import annotations

import ast
import random
import subprocess
import sys
from pathlib import Path

import pytest

from resonate_scaffold import layout
from resonate_scaffold.layout import WIDTH, Code, Group, Item

WORDS = ["a", "quantity", "an_order_id", "a_field_with_a_name_of_forty_characters", "x1"]
ATOMS = ["1", "None", "True", '"example"', 'Decimal("1.50")', "request.order_id", "another_name_that_is_rather_long"]
HEADS = [("call(", ")"), ("module.a_function_with_a_long_name(", ")"), ("[", "]")]


def drawn(dice: random.Random, depth: int, *, comments: bool) -> Code:
    """Random code."""
    if depth == 0 or dice.random() < 0.3:
        return dice.choice(ATOMS)
    kind = dice.random()
    count = dice.randint(0, 5)

    def comment() -> str:
        return "Why it is so." if comments and dice.random() < 0.15 else ""

    inner = [drawn(dice, depth - 1, comments=comments) for _ in range(count)]
    if kind < 0.25:
        return Group(
            "{", tuple(Item(code, f'"{dice.choice(WORDS)}{n}": ', comment()) for n, code in enumerate(inner)), "}"
        )
    head, tail = dice.choice(HEADS)
    named = head.endswith("(") and dice.random() < 0.6
    items = (Item(code, f"{dice.choice(WORDS)}{n}=" if named else "", comment()) for n, code in enumerate(inner))
    return Group(head, tuple(items), tail)


def formatted(text: str, directory: Path) -> str:
    """The text as the formatter leaves it."""
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(WIDTH), "-q", "-"]
    return subprocess.run(command, cwd=directory, input=text, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("seed", range(4))
def test_it_agrees_with_the_formatter(seed: int, tmp_path: Path) -> None:
    dice = random.Random(seed)
    statements = []
    for number in range(120):
        code = drawn(dice, 5, comments=seed % 2 == 0)
        statements.append(f"x{number} = {layout.render(code, before=f'x{number} = ')}\n")
    statements.append("\n\nasync def f():\n")
    for number in range(120):
        code = drawn(dice, 4, comments=False)
        before = dice.choice(["return ", f"value_{number} = ", "assert result == "])
        # An assertion that does not fit is broken up around its comparison, unless that is with something in brackets.
        if isinstance(code, Group):
            statements.append(f"    {before}{layout.render(code, indent=4, before=before)}\n")
    text = "".join(statements)
    ast.parse(text)
    assert formatted(text, tmp_path) == text


def test_a_line_may_be_as_long_as_the_limit(tmp_path: Path) -> None:
    for length in range(60, 130):
        argument = "a" * length
        text = f"x = {layout.render(layout.call('f', [argument, 'b']), before='x = ')}\n"
        assert formatted(text, tmp_path) == text or length > WIDTH - 12
    at_limit = layout.call("f", ["a" * (WIDTH - len("x = f(, b)")), "b"])
    assert "\n" not in layout.render(at_limit, before="x = ")
    assert "\n" in layout.render(at_limit, before="xy = ")
    assert "\n" in layout.render(at_limit, before="x = ", after=",")
    assert "\n" in layout.render(at_limit, indent=1, before="x = ")


def test_a_comment_stands_above_its_item() -> None:
    code = layout.call("f", [Item("1", "a="), Item("2", "b=", "Why.")])
    assert layout.render(code, indent=4) == "f(\n        a=1,\n        # Why.\n        b=2,\n    )"
    assert layout.flat(code) == "f(a=1, b=2)"


def test_definitions(tmp_path: Path) -> None:
    for count in range(1, 12):
        parameters = [f"a_parameter_{number}: dict[str, list[Decimal]]" for number in range(count)]
        first = layout.render(layout.group("async def f(", parameters, ") -> Result:"))
        text = f"{first}\n    pass\n"
        assert formatted(text, tmp_path) == text


def test_texts(tmp_path: Path) -> None:
    for content in ["plain", 'with "quotes"', "it's", "both \" and '", "ümlaut", "\n\t\0", "\u2028", "\\", ""]:
        assert ast.literal_eval(layout.text(content)) == content
        text = f"x = {layout.text(content)}\n"
        assert formatted(text, tmp_path) == text


def test_values() -> None:
    data = {"a": [1, 2.5, None, True], "b": {"c": "d"}, "e": []}
    assert ast.literal_eval(layout.flat(layout.value(data))) == data
    assert layout.flat(layout.value({})) == "{}"


@pytest.mark.parametrize("indent", [0, 4, 8])
def test_docstrings(indent: int, tmp_path: Path) -> None:
    margin = " " * indent
    opened = ["class A:\n", "    class B:\n"][: indent // 4]
    for count in range(1, 60):
        content = f"What `{'x' * count}-is` does. " + "It says so, " * (count // 2) + "and that is all."
        text = "".join(opened) + f"{margin}{layout.docstring(content, indent=indent)}\n"
        assert all(len(line) <= WIDTH for line in text.splitlines())
        assert formatted(text, tmp_path) == text
    for length in range(WIDTH - 20, WIDTH + 5):
        content = ("word " * 40)[: length - indent - 1] + "x"
        text = "".join(opened) + f"{margin}{layout.docstring(content, indent=indent)}\n"
        assert formatted(text, tmp_path) == text
        assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.parametrize("kind", ["", "f"])
def test_strings_in_pieces(kind: str, tmp_path: Path) -> None:
    for count in range(1, 30):
        pieces = [f"/segment-{number}" if number % 2 else f"/{{value_{number}}}" for number in range(count)]
        lines = ["def f():", layout.strings(pieces, indent=4, before=f"path = {kind}")]
        text = "\n".join(lines) + "\n"
        assert formatted(text, tmp_path) == text
        assert all(len(line) <= WIDTH for line in text.splitlines())
        values = {f"value_{number}": str(number) for number in range(count)}
        found: dict[str, str] = {}
        exec(lines[1].strip() if count < 5 else f"path = {lines[1].partition('=')[2]}", dict(values), found)
        wanted = "".join(pieces).format(**values) if kind else "".join(pieces)
        assert found["path"] == wanted


def test_conditions(tmp_path: Path) -> None:
    for count in range(2, 12):
        operands = [f"asked.a_field_{number} == a_field_{number}" for number in range(count)]
        text = f"def f():\n{layout.condition('if not (', operands, '):', indent=4)}\n        pass\n"
        assert formatted(text, tmp_path) == text


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
