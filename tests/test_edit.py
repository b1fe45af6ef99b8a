"""Edits of Python that people have written: exact texts before and after, and what holds for any file."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings, strategies as st

from resonate_scaffold.differences import differences
from resonate_scaffold.edit.source import Source
from resonate_scaffold.errors import BrokenSource, CannotEdit
from resonate_scaffold.formatting import Draft, lay_out
from resonate_scaffold.project import FilesInMemory
from tests.grown import restore

WORKER = "orders/workflows/worker.py"
ELEMENT = "serve(contracts.new, new)"


def parse(text: str | bytes, path: str = WORKER, package: str = "orders") -> Source:
    return Source.parse(PurePosixPath(path), text.encode() if isinstance(text, str) else text, package)


def appended(text: str, element: str = "new", name: str = "SERVED") -> str:
    """The text after an element was appended."""
    return parse(text).wire(name, [], lambda _: element).content.decode()


def bound(
    text: str, module: str, name: str | None, prefer: str | None = None, path: str = WORKER, package: str = "orders"
) -> tuple[str, str]:
    """The file with something imported, as a command writes it, and what it is called there."""
    source, expression = parse(text, path, package).bind(module, name, prefer)
    again, same = source.bind(module, name, prefer)
    assert again.content == source.content
    assert same == expression
    return written(text, source).decode(), expression


def written(before: str | bytes, after: Source) -> bytes:
    """An edited file as a command writes it; that it can be taken back is part of each such test."""
    before = before.encode() if isinstance(before, str) else before
    files = FilesInMemory(
        {
            PurePosixPath("pyproject.toml"): b"[tool.ruff]\nline-length = 120\n",
            PurePosixPath(after.package, "runtime/durable/rpc.py"): b"",
            PurePosixPath("tests/__init__.py"): b"",
        }
    )
    content = lay_out(files, [Draft(after.path, before, after.content)])[after.path]
    assert restore(content, differences(before, content)) == before
    return content


def removed(text: str, key: str, name: str = "SERVED") -> str:
    return parse(text).remove_from_list(name, key).content.decode()


# What a file of the service looks like in the tests of removal.
HEAD = """\
from ..contracts import workflows as contracts
from ..runtime.durable.rpc import Registration, serve
from .new import new
from .old import old

"""


def ruff(directory: Path, *arguments: str) -> str:
    """What ruff complains of, with the configuration of a service."""
    result = subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], cwd=directory, capture_output=True, text=True, check=False
    )
    return result.stdout + result.stderr if result.returncode else ""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory in which ruff takes `orders` and `tests` for first parties, as in a service."""
    root = tmp_path_factory.mktemp("service")
    (root / "pyproject.toml").write_text("[tool.ruff]\nline-length = 120\n")
    for package in ("orders", "tests"):
        (root / package / "workflows").mkdir(parents=True)
        (root / package / "__init__.py").touch()
    (root / "orders/runtime/durable").mkdir(parents=True)
    for package in ("orders/runtime", "orders/runtime/durable"):
        (root / package / "__init__.py").touch()
    (root / "orders/runtime/durable/rpc.py").touch()
    return root


def check(service: Path, files: Mapping[str, bytes], rules: str = "I,F811,W") -> None:
    """All of these files are sorted and formatted."""
    paths = []
    for name, content in files.items():
        paths.append(service / name)
        paths[-1].write_bytes(content)
    try:
        assert ruff(service, "check", "--no-cache", "--select", rules, "--output-format", "full", ".") == ""
        assert ruff(service, "format", "--no-cache", "--diff", ".") == ""
    finally:
        for path in paths:
            path.unlink()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("SERVED = []\n", "SERVED = [\n    new,\n]\n", id="empty"),
        pytest.param(
            "SERVED: list[Registration] = []\n",
            "SERVED: list[Registration] = [\n    new,\n]\n",
            id="empty and annotated",
        ),
        pytest.param("SERVED = [ ]  # a\n", "SERVED = [\n    new,\n]  # a\n", id="empty with a space"),
        pytest.param("SERVED = [\n]\n", "SERVED = [\n    new,\n]\n", id="empty over lines"),
        pytest.param("SERVED = [\n    # a\n]\n", "SERVED = [\n    # a\n    new,\n]\n", id="empty but for a comment"),
        pytest.param("SERVED = [  # a\n]\n", "SERVED = [  # a\n    new,\n]\n", id="empty, comment at the bracket"),
        pytest.param("SERVED = [a]\n", "SERVED = [a, new]\n", id="one line"),
        pytest.param("SERVED = [a,]\n", "SERVED = [a, new,]\n", id="one line, trailing comma"),
        pytest.param("SERVED = [(a), (b)]\n", "SERVED = [(a), (b), new]\n", id="parentheses"),
        pytest.param("SERVED = ([a])\n", "SERVED = ([a, new])\n", id="list in parentheses"),
        pytest.param("SERVED = [*a, *b]\n", "SERVED = [*a, *b, new]\n", id="starred elements"),
        pytest.param("X = 1; SERVED = [a]; Y = 2\n", "X = 1; SERVED = [a, new]; Y = 2\n", id="semicolons"),
        pytest.param("SERVED = [\n    a,\n]\n", "SERVED = [\n    a,\n    new,\n]\n", id="trailing comma"),
        pytest.param("SERVED = [\n    a\n]\n", "SERVED = [\n    a,\n    new\n]\n", id="no trailing comma"),
        pytest.param("SERVED = [\n  a,\n  ]\n", "SERVED = [\n  a,\n  new,\n  ]\n", id="own indentation"),
        pytest.param("SERVED = [\n\ta,\n]\n", "SERVED = [\n\ta,\n\tnew,\n]\n", id="tabs"),
        pytest.param("SERVED = [a,\n          b]\n", "SERVED = [a,\n          b,\n          new]\n", id="aligned"),
        pytest.param("SERVED = [a,\n  b, ]\n", "SERVED = [a,\n  b,\n  new, ]\n", id="aligned, trailing comma"),
        pytest.param("SERVED = [\n  a, b,\n  c, d\n]\n", "SERVED = [\n  a, b,\n  c, d,\n  new\n]\n", id="filled"),
        pytest.param(
            "SERVED = [\n    a,  # A, (first)\n]\n",
            "SERVED = [\n    a,  # A, (first)\n    new,\n]\n",
            id="line comment",
        ),
        pytest.param(
            "SERVED = [\n    b,\n    a  # A\n]\n",
            "SERVED = [\n    b,\n    a,  # A\n    new\n]\n",
            id="line comment, no trailing comma",
        ),
        pytest.param("SERVED = [a,  # A\n]\n", "SERVED = [a,  # A\n    new,\n]\n", id="line comment at the bracket"),
        pytest.param(
            "SERVED = [\n    # first\n    a,\n    # b,\n\n    # last\n]  # end\n",
            "SERVED = [\n    # first\n    a,\n    # b,\n\n    # last\n    new,\n]  # end\n",
            id="own-line comments stay with what is above them",
        ),
        pytest.param(
            "SERVED = [\n    a\n# b\n]\n", "SERVED = [\n    a,\n# b\n    new\n]\n", id="own-line comment, no comma"
        ),
        pytest.param(
            "SERVED = [\n    (\n        a\n    ),\n]\n",
            "SERVED = [\n    (\n        a\n    ),\n    new,\n]\n",
            id="over lines",
        ),
        pytest.param("SERVED = [f(\n    a,\n)]\n", "SERVED = [f(\n    a,\n), new]\n", id="hugged"),
        pytest.param("SERVED = [\r\n    a,\r\n]\r\n", "SERVED = [\r\n    a,\r\n    new,\r\n]\r\n", id="CRLF"),
        pytest.param("SERVED = []\r\nX = 1", "SERVED = [\r\n    new,\r\n]\r\nX = 1", id="CRLF, empty, no newline"),
        pytest.param("SERVED = [\r    a,\r]\r", "SERVED = [\r    a,\r    new,\r]\r", id="CR"),
        pytest.param("\ufeffSERVED = [a]\n", "\ufeffSERVED = [a, new]\n", id="byte order mark"),
        pytest.param(
            "\ufeff# é\nSERVED = ['é']", "\ufeff# é\nSERVED = ['é', new]", id="not ASCII, no newline at the end"
        ),
        pytest.param(
            "SERVED = [  # é\n    'é', f('ü')]\n", "SERVED = [  # é\n    'é', f('ü'),\n    new]\n", id="not ASCII"
        ),
        pytest.param(
            "SERVED: list[int]\nSERVED = [a]  # type: ignore\n",
            "SERVED: list[int]\nSERVED = [a, new]  # type: ignore\n",
            id="declared before",
        ),
        pytest.param(
            "import x\nif TYPE_CHECKING:\n    from a import Registration\nSERVED: 'list[Registration]' = [a]\n",
            "import x\nif TYPE_CHECKING:\n    from a import Registration\nSERVED: 'list[Registration]' = [a, new]\n",
            id="TYPE_CHECKING",
        ),
        pytest.param('"""SERVED = []"""\nSERVED = [a]\n', '"""SERVED = []"""\nSERVED = [a, new]\n', id="docstring"),
    ],
)
def test_append_to_a_list(before: str, after: str) -> None:
    assert appended(before) == after


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "there is no list SERVED", id="gone"),
        pytest.param("SERVED = [a] + b\n", "not written as a list (line 1)", id="+"),
        pytest.param("X = 1\nSERVED = [x for x in a]\n", "not written as a list (line 2)", id="comprehension"),
        pytest.param("SERVED = list(a)\n", "not written as a list", id="call"),
        pytest.param("SERVED = (a, b)\n", "not written as a list", id="tuple"),
        pytest.param("SERVED = *a, b\n", "not written as a list", id="starred"),
        pytest.param("SERVED = X = [a]\n", "not bound by a plain assignment", id="two targets"),
        pytest.param("[SERVED] = [a]\n", "not bound by a plain assignment", id="unpacked"),
        pytest.param("SERVED = []\nSERVED += [a]\n", "more than once (lines 1, 2)", id="augmented"),
        pytest.param("SERVED = []\nSERVED = [a]\n", "more than once", id="twice"),
        pytest.param("SERVED = []\nif x:\n    SERVED = [a]\n", "more than once", id="once more, on a condition"),
        pytest.param("if x:\n    SERVED = [a]\n", "not bound by a plain assignment", id="on a condition"),
        pytest.param("SERVED = []\ndef f():\n    global SERVED\n    SERVED = 1\n", "more than once", id="global"),
        pytest.param("SERVED = []\nprint(SERVED := [])\n", "more than once", id="walrus"),
        pytest.param("SERVED = []\ndel SERVED\n", "more than once", id="deleted"),
        pytest.param("from .x import SERVED\n", "not bound by a plain assignment", id="imported"),
        pytest.param("SERVED: list[Registration]\n", "there is no list", id="declared only"),
        pytest.param("SERVED = []\nfrom .new import new\n", "new is bound below SERVED", id="import below"),
    ],
)
def test_refuses_what_is_no_plain_list(text: str, reason: str) -> None:
    with pytest.raises(CannotEdit) as refused:
        parse(text).wire("SERVED", [], lambda _: ELEMENT)
    assert refused.value.message.startswith(f"{WORKER}: ")
    assert reason in refused.value.message
    assert refused.value.hint.endswith(f"\n    {ELEMENT},")


def test_a_local_name_is_another_name() -> None:
    text = (
        "SERVED = [a]\n\n\ndef f(SERVED):\n    SERVED = [x for SERVED in SERVED]\n\n\nX = [SERVED for SERVED in ()]\n"
    )
    assert appended(text) == text.replace("[a]", "[a, new]")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"a = 1\n\nb = = 2\n", "line 3: invalid syntax", id="syntax"),
        pytest.param(b"\xef\xbb\xbfa = 1\r\nb = = 2\r\n", "line 2: invalid syntax", id="syntax, BOM and CRLF"),
        pytest.param(b"if a:\nb\n", "line 2: expected an indented block", id="indentation"),
        pytest.param(b"a = (\n", "line 1: '(' was never closed", id="open bracket"),
        pytest.param(b"a = 1\nb = '\xe4'\n", "line 2: not UTF-8", id="Latin 1"),
        pytest.param(b"\xff\xfea\x00", "line 1: not UTF-8", id="UTF-16"),
        pytest.param(b"a = 1\nb = '\0'\n", "line 2: a NUL byte", id="NUL"),
        pytest.param(b"#!/usr/bin/python\n# -*- coding: latin-1 -*-\n", "line 2: declared as latin-1", id="cookie"),
        pytest.param(b"# coding=nonsense\n", "line 1: declared as nonsense", id="unknown cookie"),
        pytest.param(b"a = " + b"-" * 200_000 + b"1\n", "nested too deeply", id="depth"),
    ],
)
def test_broken_files_are_named_with_the_line(content: bytes, message: str) -> None:
    with pytest.raises(BrokenSource) as broken:
        parse(content)
    assert broken.value.message.startswith(WORKER)
    assert message in broken.value.message
    assert broken.value.hint


@pytest.mark.parametrize("cookie", ["# coding: utf-8", "# vim: set fileencoding=UTF8 :", "x = 1\n\n# coding: latin-1"])
def test_a_declared_utf_8_is_fine(cookie: str) -> None:
    assert appended(f"{cookie}\nSERVED = ['é']\n").endswith("['é', new]\n")


@pytest.mark.filterwarnings("error")
def test_warnings_about_the_file_are_not_ours() -> None:
    assert parse("A = '\\d'\nif A is 1: pass\n").definitions().keys() == {"A"}


TYPES = "from ..runtime.durable.rpc import Registration\n"


@pytest.mark.parametrize(
    ("text", "module", "name", "expression"),
    [
        ("from ..contracts import workflows as contracts\n", "contracts.workflows", None, "contracts"),
        ("from ..runtime.durable.rpc import serve\n", "runtime.durable.rpc", "serve", "serve"),
        ("from ..runtime.durable.rpc import serve as s\n", "runtime.durable.rpc", "serve", "s"),
        ("from orders.runtime.durable.rpc import serve\n", "runtime.durable.rpc", "serve", "serve"),
        ("import orders.runtime.durable.rpc\n", "runtime.durable.rpc", "serve", "orders.runtime.durable.rpc.serve"),
        ("import orders.runtime.durable.rpc as r\n", "runtime.durable.rpc", "serve", "r.serve"),
        ("from ..runtime.durable import rpc\n", "runtime.durable.rpc", "serve", "rpc.serve"),
        (
            "from ..runtime.durable import rpc\nfrom ..runtime.durable.rpc import serve\n",
            "runtime.durable.rpc",
            "serve",
            "serve",
        ),
        ("from . import place_order\n", "workflows.place_order", "place_order", "place_order.place_order"),
        ("import datetime\n", "!datetime", "date", "datetime.date"),
        ("import datetime as dt\n", "!datetime", "date", "dt.date"),
        ("from datetime import date\n", "!datetime", "date", "date"),
        ("import os.path\n", "!os.path", "join", "os.path.join"),
        (
            "X = 1; from ..runtime.durable.rpc import (\n    Registration,\n    serve,  # c\n)\n",
            "runtime.durable.rpc",
            "serve",
            "serve",
        ),
        ("class Registration: ...\n", "workflows.worker", "Registration", "Registration"),
    ],
)
def test_what_is_imported_is_used(text: str, module: str, name: str | None, expression: str) -> None:
    assert bound(text, module, name) == (text, expression)


@pytest.mark.parametrize(
    ("text", "expected", "expression"),
    [
        pytest.param("def f():\n    from ..runtime.durable.rpc import serve\n", "serve", "serve", id="in a function"),
        pytest.param(
            "try:\n    from ..runtime.durable.rpc import serve\nexcept ImportError: ...\n",
            "serve",
            "serve",
            id="in try",
        ),
        pytest.param("if x:\n    from ..runtime.durable.rpc import serve\n", "serve", "serve", id="on a condition"),
        pytest.param(
            "from ..runtime.durable.rpc import serve\nserve = wrap(serve)\n",
            "serve as rpc_serve",
            "rpc_serve",
            id="rebound",
        ),
        pytest.param("from .x import serve\n", "serve as rpc_serve", "rpc_serve", id="taken by an import"),
        pytest.param("def serve(): ...\n", "serve as rpc_serve", "rpc_serve", id="taken by a function"),
        pytest.param("for serve in x: ...\n", "serve as rpc_serve", "rpc_serve", id="taken by a loop"),
        pytest.param("with x as serve: ...\n", "serve as rpc_serve", "rpc_serve", id="taken by with"),
        pytest.param("match x:\n    case [*serve]: ...\n", "serve as rpc_serve", "rpc_serve", id="taken by match"),
        pytest.param("try: ...\nexcept E as serve: ...\n", "serve as rpc_serve", "rpc_serve", id="taken by except"),
        pytest.param("serve, rpc_serve = 1, 2\n", "serve as durable_rpc_serve", "durable_rpc_serve", id="taken twice"),
        pytest.param(
            "serve, rpc_serve, durable_rpc_serve, runtime_durable_rpc_serve = 1, 2, 3, 4\n",
            "serve as serve_2",
            "serve_2",
            id="taken in all its forms",
        ),
    ],
)
def test_what_is_not_there_for_certain_is_imported(text: str, expected: str, expression: str) -> None:
    content, local = bound(text, "runtime.durable.rpc", "serve")
    assert f"from ..runtime.durable.rpc import {expected}\n" in content
    assert local == expression


def test_an_import_for_types_gets_company_at_run_time(service: Path) -> None:
    text = (
        "from typing import TYPE_CHECKING\n\nfrom .x import y\n\nif TYPE_CHECKING:\n"
        "    from ..runtime.durable.rpc import serve\n\n"
        "X = [y]\n\n\ndef f(s: 'serve') -> None: ...\n"
    ).replace("'", '"')
    content, local = bound(text, "runtime.durable.rpc", "serve")
    assert local == "serve"
    assert content == text.replace(
        "from .x import y\n", "from ..runtime.durable.rpc import serve\nfrom .x import y\n", 1
    )
    check(service, {"orders/workflows/x.py": content.encode()})


@pytest.mark.parametrize(
    ("path", "module", "name", "prefer", "statement"),
    [
        (WORKER, "contracts.workflows", None, None, "from ..contracts import workflows"),
        (WORKER, "contracts.workflows", None, "contracts", "from ..contracts import workflows as contracts"),
        (WORKER, "runtime.durable.rpc", "serve", None, "from ..runtime.durable.rpc import serve"),
        (WORKER, "runtime.durable.rpc", None, None, "from ..runtime.durable import rpc"),
        (WORKER, "workflows.place_order", "place_order", None, "from .place_order import place_order"),
        (WORKER, "workflows.place_order", None, None, "from . import place_order"),
        (WORKER, "workflows", "x", None, "from . import x"),
        (WORKER, "!datetime", "date", None, "from datetime import date"),
        (WORKER, "!datetime", None, None, "import datetime"),
        (WORKER, "!datetime", None, "dt", "import datetime as dt"),
        (WORKER, "!os.path", None, None, "from os import path"),
        ("orders/__main__.py", "billing.worker", None, "billing", "from .billing import worker as billing"),
        ("orders/__main__.py", "runtime.durable.rpc", "A", None, "from .runtime.durable.rpc import A"),
        ("orders/contracts/db/x.py", "contracts.db.y", "A", None, "from .y import A"),
        ("orders/contracts/db/x.py", "contracts.workflows.y", "A", None, "from ..workflows.y import A"),
        ("orders/contracts/db/x.py", "runtime.durable.rpc", "A", None, "from ...runtime.durable.rpc import A"),
        ("orders/contracts/__init__.py", "contracts.db", "A", None, "from .db import A"),
        ("orders/contracts/__init__.py", "runtime.durable.rpc", "A", None, "from ..runtime.durable.rpc import A"),
        ("tests/test_x.py", "contracts.workflows", "A", None, "from orders.contracts.workflows import A"),
        ("tests/test_x.py", "contracts.workflows", None, None, "from orders.contracts import workflows"),
        ("tests/test_x.py", "runtime.durable.rpc", None, None, "from orders.runtime.durable import rpc"),
        ("tests/test_x.py", "tests.conftest", "A", None, "from tests.conftest import A"),
    ],
)
def test_a_new_import_is_written_as_the_service_does(
    path: str, module: str, name: str | None, prefer: str | None, statement: str
) -> None:
    content, local = bound("", module, name, prefer, path)
    assert content == statement + "\n"
    assert local == statement.rpartition(" ")[2]


def test_a_renamed_package() -> None:
    path = "shop/workflows/worker.py"
    text = "from shop.runtime.durable.rpc import serve\n"
    assert bound(text, "runtime.durable.rpc", "serve", None, path, "shop") == (text, "serve")
    assert bound(text, "contracts.db", "A", None, path, "shop") == (text + "\nfrom ..contracts.db import A\n", "A")
    assert (
        bound("", "runtime.durable.rpc", "A", None, "tests/test_x.py", "shop")[0]
        == "from shop.runtime.durable.rpc import A\n"
    )


def test_a_builtin_that_is_used_is_taken() -> None:
    assert bound("X: list = 1\n", "workflows.list", "list")[1] == "workflows_list"
    assert bound("X = 1\n", "workflows.list", "list")[1] == "list"
    assert bound("x = 1\n", "workflows.x", None)[1] == "workflows_x"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("", "from ..m import new\n", id="nothing"),
        pytest.param("\ufeff", "\ufefffrom ..m import new\n", id="byte order mark only"),
        pytest.param('"""D."""\n', '"""D."""\n\nfrom ..m import new\n', id="docstring"),
        pytest.param('"""D."""', '"""D."""\n\nfrom ..m import new', id="docstring without a newline"),
        pytest.param('"""D."""\r\n', '"""D."""\r\n\r\nfrom ..m import new\r\n', id="docstring, CRLF"),
        pytest.param('"""D."""\n\nX = 1\n', '"""D."""\n\nfrom ..m import new\n\nX = 1\n', id="docstring and code"),
        pytest.param(
            '"""D."""\n\n\nclass A: ...\n', '"""D."""\n\nfrom ..m import new\n\n\nclass A: ...\n', id="docstring, class"
        ),
        pytest.param(
            '"""D."""\nclass A: ...\n', '"""D."""\n\nfrom ..m import new\n\n\nclass A: ...\n', id="docstring, crowded"
        ),
        pytest.param('"""D."""\n\n# c\n', '"""D."""\n\nfrom ..m import new\n\n# c\n', id="docstring and comment"),
        pytest.param(
            '"""D."""\n\n# c\nX = 1\n', '"""D."""\n\nfrom ..m import new\n\n# c\nX = 1\n', id="docstring, comment, code"
        ),
        pytest.param("# License\n", "# License\n\nfrom ..m import new\n", id="comment"),
        pytest.param("# License", "# License\n\nfrom ..m import new", id="comment without a newline"),
        pytest.param("# License\n\nX = 1\n", "# License\n\nfrom ..m import new\n\nX = 1\n", id="comment and code"),
        pytest.param("# x\nX = 1\n", "from ..m import new\n\n# x\nX = 1\n", id="comment on code"),
        pytest.param("#!/bin/x\n# x\nX = 1\n", "#!/bin/x\n\nfrom ..m import new\n\n# x\nX = 1\n", id="shebang"),
        pytest.param("class A: ...\n", "from ..m import new\n\n\nclass A: ...\n", id="class"),
        pytest.param("@a\nclass A: ...\n", "from ..m import new\n\n\n@a\nclass A: ...\n", id="decorated"),
        pytest.param(
            "from __future__ import annotations\n",
            "from __future__ import annotations\n\nfrom ..m import new\n",
            id="__future__",
        ),
        pytest.param(
            '"""D."""\n\nfrom __future__ import annotations\n\nX = 1\n',
            '"""D."""\n\nfrom __future__ import annotations\n\nfrom ..m import new\n\nX = 1\n',
            id="docstring, __future__ and code",
        ),
        pytest.param(
            "import os\n\nimport pydantic\n\nfrom .a import a\n",
            "import os\n\nimport pydantic\n\nfrom ..m import new\nfrom .a import a\n",
            id="sections",
        ),
        pytest.param(
            "import os\n\n# c\nfrom .a import a  # d\n\nX = 1\n",
            "import os\n\nfrom ..m import new\n\n# c\nfrom .a import a  # d\n\nX = 1\n",
            id="the comment on an import stays with it",
        ),
        pytest.param(
            "import os  # c\n\nX = 1\n", "import os  # c\n\nfrom ..m import new\n\nX = 1\n", id="a new section last"
        ),
        pytest.param("from ..m import a, z\n", "from ..m import a, new, z\n", id="into a line"),
        pytest.param("from ..m import a, z; X = 1\n", "from ..m import a, z, new; X = 1\n", id="semicolon"),
        pytest.param("from ..m import A, z  # c\n", "from ..m import A, new, z  # c\n", id="comment on the line"),
        pytest.param("from ..m import z as y\n", "from ..m import new\nfrom ..m import z as y\n", id="aliased"),
        pytest.param("from ..m import (a, z)\n", "from ..m import (a, z)\nfrom ..m import new\n", id="parentheses"),
        pytest.param(
            "from ..m import a, \\\n    z\n", "from ..m import a, \\\n    z\nfrom ..m import new\n", id="backslash"
        ),
        pytest.param(
            "from ..m import (  # b\n    # a\n    a,  # A\n    # z\n    z,\n    # end\n)\n",
            "from ..m import (  # b\n    # a\n    a,  # A\n    new,\n    # z\n    z,\n    # end\n)\n",
            id="over lines, with comments",
        ),
        pytest.param(
            "from ..m import (  # b\n    # z\n    z,\n)\n",
            "from ..m import (  # b\n    new,\n    # z\n    z,\n)\n",
            id="over lines, first",
        ),
        pytest.param(
            "from ..m import (\n    a,\n    b  # B\n)\n",
            "from ..m import (\n    a,\n    b  # B\n)\nfrom ..m import new\n",
            id="over lines, last, no trailing comma",
        ),
        pytest.param(
            "from .a import a\nimport os; import sys\nX = 1\nimport re\n",
            "from .a import a\nimport os; import sys\nfrom ..m import new\nX = 1\nimport re\n",
            id="not sorted: between any two",
        ),
        pytest.param(
            'X = """\n"""; import os; \\\n import re\n',
            'from ..m import new\n\nX = """\n"""; import os; \\\n import re\n',
            id="not on lines of their own",
        ),
        pytest.param(
            'import os; X = """\n"""; from .z import z\n',
            'from ..m import new\n\nimport os; X = """\n"""; from .z import z\n',
            id="not on lines of their own, import first",
        ),
        pytest.param(
            "if TYPE_CHECKING:\n    from .a import a\n\nX = 1\n",
            "from ..m import new\n\nif TYPE_CHECKING:\n    from .a import a\n\nX = 1\n",
            id="TYPE_CHECKING only",
        ),
    ],
)
def test_where_an_import_goes(before: str, after: str) -> None:
    assert bound(before, "m", "new") == (after, "new")


CLASS = "class A:\n    pass\n"


@pytest.mark.parametrize(
    ("before", "text", "after"),
    [
        ("", CLASS, CLASS),
        ('"""D."""\n', CLASS, f'"""D."""\n\n\n{CLASS}'),
        ('"""D."""\n', "a = 1", '"""D."""\n\na = 1\n'),
        ('"""D."""', CLASS, f'"""D."""\n\n\n{CLASS}'),
        ("import os\n", CLASS, f"import os\n\n\n{CLASS}"),
        ("import os\n", "a = 1\n", "import os\n\na = 1\n"),
        ("x = 1\n", "a = 1\n", "x = 1\n\n\na = 1\n"),
        ("x = 1\n\n\n\n", CLASS, f"x = 1\n\n\n\n{CLASS}"),
        ("x = 1\n# the end", CLASS, f"x = 1\n# the end\n\n\n{CLASS}"),
        ("x = 1\r\n", CLASS, f"x = 1\n\n\n{CLASS}".replace("\n", "\r\n")),
        ("\ufeff", CLASS, f"\ufeff{CLASS}"),
    ],
)
def test_append_statements(before: str, text: str, after: str) -> None:
    assert written(before, parse(before).append(text)).decode() == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("SERVED = [\n    new,\n]\n", "SERVED = []\n", id="the only one"),
        pytest.param("SERVED = [new]\n", "SERVED = []\n", id="the only one on a line"),
        pytest.param("SERVED = [\n    # a\n    new,  # b\n]\n", "SERVED = [\n    # a\n]\n", id="a comment is left"),
        pytest.param("SERVED = [  # a\n    new,\n]\n", "SERVED = [  # a\n]\n", id="a comment at the bracket is left"),
        pytest.param(
            "SERVED = [\n    old,\n    new,  # b\n    # c\n]\n", "SERVED = [\n    old,\n    # c\n]\n", id="last"
        ),
        pytest.param("SERVED = [\n    new,  # b\n    old,\n]\n", "SERVED = [\n    old,\n]\n", id="first"),
        pytest.param(
            "SERVED = [\n    old,  # o\n    new\n]\n", "SERVED = [\n    old  # o\n]\n", id="no trailing comma"
        ),
        pytest.param("SERVED = [old,\n     new]\n", "SERVED = [old]\n", id="aligned"),
        pytest.param("SERVED = [old,  # o\n     new]\n", "SERVED = [old  # o\n     ]\n", id="aligned behind a comment"),
        pytest.param("SERVED = [old, new]\n", "SERVED = [old]\n", id="one line, last"),
        pytest.param("SERVED = [new, old]\n", "SERVED = [old]\n", id="one line, first"),
        pytest.param("SERVED = [old, new,]\n", "SERVED = [old,]\n", id="one line, trailing comma"),
        pytest.param("SERVED = [old, new,  # n\n  old]\n", "SERVED = [old,  # n\n  old]\n", id="filled"),
        pytest.param("SERVED = [\n  new, old,\n  old\n]\n", "SERVED = [\n  old,\n  old\n]\n", id="filled, first"),
        pytest.param("SERVED = [\n  old, old,\n  (new),\n]\n", "SERVED = [\n  old, old,\n]\n", id="in parentheses"),
        pytest.param("SERVED = [\r\n    old,\r\n    new,\r\n]\r\n", "SERVED = [\r\n    old,\r\n]\r\n", id="CRLF"),
        pytest.param("SERVED = [new, old, new]\n", "SERVED = [old]\n", id="twice"),
        pytest.param("SERVED = [f(\n    new,\n), old]\n", "SERVED = [old]\n", id="over lines"),
        pytest.param("SERVED = [old]\n", "SERVED = [old]\n", id="not there"),
        pytest.param("SERVED = [old] + [x]\n", "SERVED = [old] + [x]\n", id="not there, and no plain list"),
    ],
)
def test_remove_from_a_list(before: str, after: str) -> None:
    imports = "from .new import new\nfrom .old import old\n\n"
    expected = imports if before == after else imports.replace("from .new import new\n", "")
    if "old" not in after:
        expected = imports.replace("from .new import new\n", "")
    newline = "\r\n" if "\r\n" in before else "\n"
    text = imports.replace("\n", newline) + before
    assert removed(text, "workflows.new.new") == expected.replace("\n", newline) + after


def test_remove_by_a_text() -> None:
    text = 'SCHEDULES = [Schedule("nightly", x), Schedule("daily", x)]\n'
    assert removed(text, "nightly", "SCHEDULES") == 'SCHEDULES = [Schedule("daily", x)]\n'


def test_remove_by_a_contract_called_by_an_alias() -> None:
    text = HEAD + "SERVED: list[Registration] = [\n    serve(contracts.old, old),\n    serve(contracts.new, new),\n]\n"
    assert removed(text, "contracts.workflows.new") == text.replace("    serve(contracts.new, new),\n", "").replace(
        "from .new import new\n", ""
    )


def test_remove_the_last_user_of_a_name_in_an_import() -> None:
    text = HEAD + "SERVED: list[Registration] = [\n    serve(contracts.new, new),\n]\n\nprint(old)\n"
    assert removed(text, "contracts.workflows.new") == (
        "from ..runtime.durable.rpc import Registration\nfrom .old import old\n\n"
        "SERVED: list[Registration] = []\n\nprint(old)\n"
    )


def test_remove_refuses_another_kind_of_list() -> None:
    with pytest.raises(CannotEdit) as refused:
        parse("from .new import new\nSERVED = [new] + []\n").remove_from_list("SERVED", "workflows.new.new")
    assert refused.value.hint == f"Take workflows.new.new out of SERVED in {WORKER} yourself."


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("from .new import new, other\n", "from .new import other\n"),
        ("from .new import other, new  # c\n", "from .new import other  # c\n"),
        ("from .new import (new, other,)\n", "from .new import (other,)\n"),
        ("from .new import (\n    new,  # c\n    other,\n)\n", "from .new import (\n    other,\n)\n"),
        ("from .new import (\n    other,\n    new\n)\n", "from .new import (\n    other\n)\n"),
        ("from .new import new  # noqa: F401\n", "from .new import new  # noqa: F401\n"),
        ("from .new import new as new\n", "from .new import new as new\n"),
        ("import os; from .new import new; import re\n", "import os; import re\n"),
        ("import os; from .new import new\n", "import os\n"),
        ("import os\n\nfrom .new import new\n\nimport re\n", "import os\n\nimport re\n"),
        ("# about it\nfrom .new import new\n", "# about it\n"),
    ],
)
def test_imports_that_are_not_used_any_more_go(line: str, rest: str) -> None:
    assert removed(f"{line}\nSERVED = [new]\n", "workflows.new.new") == f"{rest}\nSERVED = []\n"


@pytest.mark.parametrize(
    "use",
    [
        "def f(x: 'list[new]'): ...\n",
        "def f() -> 'new': ...\n",
        "x: 'new'\n",
        "X: TypeAlias = 'new'\n",
        "__all__ = ['new']\n",
        "__all__ = []\n__all__ += ['new']\n",
        "y = cast('new', 1)\n",
        "X = list['new']\n",
        "del new\n",
        "def f():\n    return new\n",
    ],
)
def test_imports_that_are_used_otherwise_stay(use: str) -> None:
    text = f"from .m import new as n\nfrom .new import new\n\nSERVED = [f(new)]\n\n{use}"
    source = parse(text).remove_from_list("SERVED", "new" if "del" in use else "workflows.new.new")
    if "del" in use:
        assert source.content == text.encode()  # a name that is deleted means nothing
    else:
        assert source.content.decode() == text.replace("f(new)", "", 1)


def test_what_a_package_imports_is_for_others() -> None:
    text = "from .new import new\n\nSERVED = [new]\n"
    source = parse(text, "orders/workflows/__init__.py").remove_from_list("SERVED", "workflows.new.new")
    assert source.content.decode() == "from .new import new\n\nSERVED = []\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(f'"""D."""\n\n\n{CLASS}', '"""D."""\n', id="last"),
        pytest.param(f"{CLASS}", "", id="all"),
        pytest.param(
            f"x = 1\n\n\n# about A\n@dec\n{CLASS}\n\ny = 1\n", "x = 1\n\n\ny = 1\n", id="comment and decorator"
        ),
        pytest.param(
            f"x = 1\n\n\n# all\n\n{CLASS}\n\ny = 1\n", "x = 1\n\n\n# all\n\n\ny = 1\n", id="comment further up"
        ),
        pytest.param(f"x = 1\n\n\n{CLASS}\n\n# end\n", "x = 1\n\n\n# end\n", id="comment below"),
        pytest.param(f"import x\n\n\n{CLASS}\n\ny = x\n", "import x\n\ny = x\n", id="between import and code"),
        pytest.param(f"import x\n\n\n{CLASS}\n\ndef f(): ...\n", "import x\n\n\ndef f(): ...\n", id="import, function"),
        pytest.param(f'"""D."""\n\n\n{CLASS}\n\ny = 1\n', '"""D."""\n\ny = 1\n', id="between docstring and code"),
        pytest.param(f"{CLASS}\n\ny = 1\n", "y = 1\n", id="first"),
        pytest.param("x = 1; A = 2; y = 3\n", "x = 1; y = 3\n", id="semicolons"),
        pytest.param("x = 1; A = 2  # c\n", "x = 1  # c\n", id="semicolons, last"),
        pytest.param("from b import B, c\n\n\nclass A(B): ...\n\n\nc()\n", "from b import c\n\nc()\n", id="imports"),
        pytest.param("from b import B\n\n\nclass A(B): ...\n", "", id="imports, all"),
        pytest.param(f"x = 1\r\n\r\n\r\n{CLASS}".replace("\n", "\r\n").replace("\r\r", "\r"), "x = 1\r\n", id="CRLF"),
        pytest.param("A: int = 1  # c\nB = 2\n", "B = 2\n", id="annotated"),
    ],
)
def test_remove_definitions(before: str, after: str) -> None:
    assert written(before, parse(before).remove_definitions({"A", "Nothing"})).decode() == after


def test_remove_several_definitions() -> None:
    text = "x = 1\n\n\nclass A:\n    pass\n\n\nclass B(A):\n    pass\n\n\nc = B()\n\n\nd = 1\n"
    assert parse(text).remove_definitions({"A", "B", "c"}).content.decode() == "x = 1\n\n\nd = 1\n"
    assert parse(text).remove_definitions({"A", "c"}).content.decode() == (
        "x = 1\n\n\nclass B(A):\n    pass\n\n\nd = 1\n"
    )
    assert parse(text).remove_definitions({"A", "d"}).content.decode() == (
        "x = 1\n\n\nclass B(A):\n    pass\n\n\nc = B()\n"
    )


@pytest.mark.parametrize("text", ["A, b = 1, 2\n", "A = b = 1\n", "A = 1\nif x:\n    A = 2\n"])
def test_remove_definitions_refuses(text: str) -> None:
    with pytest.raises(CannotEdit, match=WORKER):
        parse(text).remove_definitions({"A"})


MODULE = """\
import datetime as dt
import os.path
import orders.runtime.durable.rpc
from typing import TYPE_CHECKING
from pydantic import BaseModel as Model
from . import place_order
from .. import gate
from ..contracts import workflows as contracts
from orders.contracts.db import A
if TYPE_CHECKING:
    from ..runtime.durable.rpc import Registration
class Own: ...
own: int = 1
"""


NIGHTLY = """\
from .old import old
GROUP = "nightly"
SERVED = [old]
LATER = [Schedule("daily", old)]
"""


def test_a_name_is_mentioned_by_reference_or_as_a_text_and_not_by_an_import() -> None:
    source = parse(f"from .new import new\n{NIGHTLY}")
    assert source.mentions("workflows.old.old")
    assert not source.mentions("workflows.new.new")
    assert not source.mentions("workflows.old")
    assert source.mentions("nightly")
    assert source.mentions("daily")
    assert not source.mentions("night")


def test_a_text_is_looked_for_in_one_list_only() -> None:
    """A schedule may have the name of a group: what stands elsewhere does not count."""
    source = parse(NIGHTLY)
    assert source.mentions("daily", within="LATER")
    assert not source.mentions("nightly", within="LATER")
    assert not source.mentions("daily", within="SERVED")
    assert not source.mentions("daily", within="NOTHING")


@pytest.mark.parametrize(
    ("expression", "qualified"),
    [
        ("dt.date", "!datetime.date"),
        ("os.path.join", "!os.path.join"),
        ("orders.runtime.durable.rpc.serve", "runtime.durable.rpc.serve"),
        ("orders", None),
        ("Model", "!pydantic.BaseModel"),
        ("place_order", "workflows.place_order"),
        ("gate.Gate", "gate.Gate"),
        ("contracts.place_order", "contracts.workflows.place_order"),
        ("A.b", "contracts.db.A.b"),
        ("Registration", "runtime.durable.rpc.Registration"),
        ("Own.x", "workflows.worker.Own.x"),
        ("own", "workflows.worker.own"),
        ("str", None),
        ("f().x", None),
    ],
)
def test_qualified(expression: str, qualified: str | None) -> None:
    source = parse(MODULE)
    assert source.qualified(ast.parse(expression, mode="eval").body) == qualified
    assert source.mentions("runtime.durable.rpc.serve") is False
    assert parse(f"{MODULE}x = {expression}\n").mentions(str(qualified)) is (qualified is not None)


@pytest.mark.parametrize(
    ("path", "module"),
    [
        (WORKER, "workflows.worker"),
        ("orders/contracts/__init__.py", "contracts"),
        ("orders/__init__.py", ""),
        ("tests/test_x.py", "tests.test_x"),
        ("tests/__init__.py", "tests"),
    ],
)
def test_module(path: str, module: str) -> None:
    source = parse("from .conftest import Service\nx = Service\n", path)
    assert source.module == module
    name = ast.Name("x", ast.Load())
    assert source.qualified(name) == (f"{module}.x" if module else "x")
    conftest = {"tests": "tests.conftest.Service", "orders": "conftest.Service"}
    if path.count("/") == 1:
        assert source.qualified(ast.Name("Service", ast.Load())) == conftest[path.split("/")[0]]


def test_definitions() -> None:
    text = "class A: ...\ndef f(): ...\nasync def g(): ...\nx = y = 1\nz: int\n(a, *b) = 1\ntype T = int\n"
    text += "if A:\n    c = 1\n"
    found = parse(text).definitions()
    assert list(found) == ["A", "f", "g", "x", "y", "z", "a", "b", "T"]
    assert found["z"].lineno == 5


# A member's name, a module, and imports of all kinds, as people may have written them.
NAMES = st.sampled_from(
    [
        "a",
        "b",
        "B",
        "Bb",
        "CONST",
        "X",
        "x1",
        "x2",
        "x10",
        "x02",
        "_y",
        "_Y",
        "serve",
        "Registration",
        "new",
        "éa",
        "zed",
    ]
)
MODULES = st.sampled_from(
    [
        "os",
        "sys",
        "datetime",
        "collections.abc",
        "pydantic",
        "fastapi",
        "Zoo",
        "item2",
        "item10",
        "orders",
        "orders.runtime.durable.rpc",
        "tests",
        ".",
        ".a",
        ".place_order",
        ".place_order2",
        ".place_order10",
        "..",
        "..runtime.durable.rpc",
        "..contracts",
        "..contracts.db",
    ]
)


@st.composite
def import_statements(draw: st.DrawFn) -> str:
    module = draw(MODULES)
    if not module.startswith(".") and draw(st.booleans()):
        alias = draw(st.sampled_from(["", " as m"]))
        return f"import {module}{alias}"
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    if draw(st.integers(0, 4)) == 0:
        names = [f"{'long_' * draw(st.integers(1, 9))}{name}" for name in names]
    if draw(st.integers(0, 3)) == 0:
        names = [f"{names[0]} as renamed_{names[0]}"]
    if draw(st.integers(0, 3)) == 0:
        comments = draw(st.lists(st.sampled_from(["", "  # c"]), min_size=len(names), max_size=len(names)))
        lines = "".join(f"    {name},{comment}\n" for name, comment in zip(names, comments, strict=True))
        return f"from {module} import (\n{lines})"
    return f"from {module} import {', '.join(names)}" + draw(st.sampled_from(["", "", "", "  # note"]))


@st.composite
def modules(draw: st.DrawFn) -> str:
    """Files with imports, before ruff has sorted them."""
    head = draw(st.sampled_from(["", '"""D."""\n\n', "# License\n\n", '"""D."""\n\n# c\n\n', "#!/bin/x\n"]))
    future = draw(st.sampled_from(["", "", "from __future__ import annotations\n"]))
    imports = "".join(
        f"{draw(st.sampled_from(['', '', '', '# about it' + chr(10)]))}{statement}\n"
        for statement in draw(st.lists(import_statements(), max_size=8))
    )
    rest = draw(st.sampled_from(["", "\nX = 1\n", "\n\nclass Q:\n    pass\n", "\n# c\n\nX = 1\n", "\n# c\nX = 1\n"]))
    comment = draw(st.sampled_from(["", "", "\n# the end\n"]))
    return f"{head}{future}{imports}{rest}{comment}"


def _formatted(service: Path, texts: Collection[str]) -> list[bytes]:
    """These files as ruff sorts and formats them."""
    paths = [service / "orders" / "workflows" / f"p{number}.py" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    try:
        ruff(service, "check", "--no-cache", "--select", "I", "--fix", "--quiet", ".")
        ruff(service, "format", "--no-cache", "--quiet", ".")
        unsorted = ruff(service, "check", "--no-cache", "--select", "I", "--output-format", "concise", ".")
        changed = ruff(service, "format", "--no-cache", "--check", ".")
        return [path.read_bytes() for path in paths if f"{path.name}" not in unsorted + changed]
    finally:
        for path in paths:
            path.unlink()


Wanted = tuple[str, str | None, str | None]
WANTED = st.tuples(
    st.sampled_from(
        ["runtime.durable.rpc", "contracts", "contracts.db", "workflows.place_order", "workflows.place_order3",
         "workflows", "m" * 105, "!os", "!pydantic", "!datetime", "!collections.abc", "!item3"]
    ),
    st.one_of(st.none(), NAMES),
    st.sampled_from([None, None, "other"]),
)  # fmt: skip


@given(st.lists(st.tuples(modules(), st.lists(WANTED, min_size=1, max_size=4)), min_size=25, max_size=25))
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # each example is many files, which no shrinking makes clearer
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
def test_sorted_and_formatted_files_stay_so(
    service: Path, cases: list[tuple[str, list[tuple[str, str | None, str | None]]]]
) -> None:
    files: dict[str, bytes] = {}
    sorted_before = _formatted(service, [text for text, _ in cases])
    for number, (content, (_, wanted)) in enumerate(zip(sorted_before, cases, strict=False)):
        source = parse(content)
        for module, name, prefer in wanted:
            source, _ = source.bind(module, name, prefer)
            assert source.bind(module, name, prefer)[0] is source
        files[f"orders/workflows/p{number}.py"] = imported = written(content, source)
        appended = source.append("class Last:\n    x = 1\n\n\nlast = Last()\n")
        files[f"orders/workflows/q{number}.py"] = written(content, appended)
        shorter = parse(files[f"orders/workflows/q{number}.py"]).remove_definitions({"Last", "last"})
        removed = written(files[f"orders/workflows/q{number}.py"], shorter)
        if b"\nX = 1" not in content and b"\nclass Q" not in content:
            # Where only a comment follows the imports, ruff keeps the one blank line or the two that were before it.
            removed, imported = re.sub(rb"\n+", b"\n", removed), re.sub(rb"\n+", b"\n", imported)
        assert removed == imported, (content, wanted)
    check(service, files, "I,W")


ELEMENTS = ["a", "(b)", "f(c, d)", "*e", "f(\n        g,\n    )", '"é"', "contracts.x", "[h, [i]]", "(j, k)", "'#, ['"]


@st.composite
def lists(draw: st.DrawFn) -> str:
    """Lists as people write them."""
    blank = st.sampled_from(["", " ", "\n", "\n    ", "\n    # c, (\n    ", "  # d ]\n    ", "\n\n    # e\n# f\n  "])
    elements = draw(st.lists(st.sampled_from(ELEMENTS), max_size=4))
    text = draw(blank)
    for number, element in enumerate(elements):
        comma = "," if number < len(elements) - 1 or draw(st.booleans()) else ""
        text += f"{element}{draw(blank)}{comma}{draw(blank)}"
    before = draw(st.sampled_from(["", '"""D."""\n', "import x\n# c\n", "\ufeff", "x = 1; "]))
    name = draw(st.sampled_from(["SERVED", "SERVED: list[Registration]", "SERVED: 'x'"]))
    after = draw(st.sampled_from(["", "\n", "  # end\n", "; y = 2\n", "\n\n\nclass A: ...\n"]))
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return f"{before}{name} = [{text}]{after}".replace("\n", newline)


@given(lists(), st.sampled_from(["serve(contracts.new, new)", "new", "*new", "serve(\n    new,\n)"]))
@settings(max_examples=400, deadline=None)
def test_any_list(text: str, element: str) -> None:
    source = parse(text)
    before = ast.dump(source.tree)
    after = parse(appended(text, element))
    assert restore(after.content, differences(source.content, after.content)) == source.content
    # The element's own name is bound by an import, so that it can be found again.
    with_import, expression = after.bind("workflows.new", "new")
    assert expression == "new"
    back = with_import.remove_from_list("SERVED", "workflows.new.new")
    assert ast.dump(back.tree) == before


@given(lists(), st.sampled_from(["serve(contracts.new, new)", "new", "*new"]))
@settings(max_examples=200, deadline=None)
def test_no_comment_is_lost(text: str, element: str) -> None:
    assert text.count("#") == appended(text, element).count("#")


@given(st.lists(lists(), min_size=40, max_size=40))
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # each example is many files, which no shrinking makes clearer
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
def test_a_formatted_list_stays_so_and_comes_back(service: Path, texts: list[str]) -> None:
    formatted = _formatted(service, [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts])
    assume(formatted)
    files: dict[str, bytes] = {}
    for number, content in enumerate(formatted):
        source = parse(content).wire(
            "SERVED", [("workflows.new", "new")], lambda names: f"serve(contracts.new, {names[0]})"
        )
        files[f"orders/workflows/p{number}.py"] = longer = written(content, source)
        shorter = parse(longer).remove_from_list("SERVED", "workflows.new.new")
        files[f"orders/workflows/q{number}.py"] = written(longer, shorter)
        assert ast.dump(shorter.tree) == ast.dump(parse(content).tree)
    check(service, files)
