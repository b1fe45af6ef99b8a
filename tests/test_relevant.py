"""Of a large tree only what has to do with Resonate is analysed, and that gives the same findings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import pytest

from resonate_scaffold.check import findings_of
from resonate_scaffold.code.model import Model
from resonate_scaffold.code.program import Program
from resonate_scaffold.graph.reading import structure_of

from . import corpus
from .conftest import Tool
from .grown import fresh, python_of

SDK = "from resonate.context import Context\n"
CLIENT = "from resonate.resonate import Resonate\n"


def analysed(files: Mapping[str, str], *named: str) -> set[str]:
    content = {PurePosixPath(name): text.encode() for name, text in files.items()}
    return {str(path) for path in Program(content, named=[PurePosixPath(name) for name in named]).modules}


# What other code says, which neither uses Resonate nor is used by what does.
OF_OTHER_CODE = {
    "RS000-wrong_registering_file": "a file that nothing imports and that is broken might register something",
    "RS210-wrong_attributes_of_module": "another file changes what a workflow reads",
    "RS303-wrong_update_statement": "nothing imports the file with `once`",
}


@pytest.mark.parametrize("program", corpus.programs(), ids=lambda it: it.name)
def test_the_corpus_is_judged_alike(program: corpus.Program) -> None:
    files = {PurePosixPath(name): text.encode() for name, text in program.files.items()}
    python = {path: content for path, content in files.items() if path.suffix == ".py"}
    beside = {path: content for path, content in files.items() if path.suffix != ".py"}
    whole = findings_of(Model(Program(python, beside)))
    program_of_part = Program(python, beside, named=())
    part = findings_of(Model(program_of_part))
    if program.name in OF_OTHER_CODE:
        assert part != whole
    else:  # a file that is not Python is told where it has to do with Resonate, and so is a missing import
        assert part == [it for it in whole if it.code not in ("RS000", "RS114") or it.path in program_of_part.modules]


def test_a_service_is_read_alike() -> None:
    files = python_of(fresh(bare=False))
    whole, part = Model(Program(files)), Model(Program(files, named=()))
    assert findings_of(part) == findings_of(whole)
    assert structure_of(part, "x") == structure_of(whole, "x")


def test_a_service_in_a_large_tree() -> None:
    service = {PurePosixPath("service", path): it for path, it in python_of(fresh(bare=False)).items()}
    others = {PurePosixPath(f"other/module_{number}.py"): b"import os\nimport service\n" for number in range(50)}
    program = Program(service | others, named=())
    assert not [path for path in program.modules if path.parts[0] == "other"]


def test_nothing_is_analysed_where_nothing_uses_resonate() -> None:
    assert analysed({"main.py": "import helper\n", "helper.py": "resonate = 'a word'\n"}) == set()
    assert analysed({"main.py": "import helper\n", "helper.py": ""}, "helper.py") == {"helper.py"}


@pytest.mark.parametrize(
    "line",
    [
        "import helper", "from helper import now", "import os, helper as h",
        "from helper import (\n    a,  # )\n    now,\n)",
        "try: import helper\nexcept ImportError: pass", "if True:\n    from helper import *", "x = 1; import helper",
        "from . import helper", "from .helper import now", "from . import (a, helper)", "import app.helper",
        "from app import helper", "from app import \\\n    helper",
    ],
)  # fmt: skip
def test_what_is_used_is_analysed(line: str) -> None:
    files = {
        "app/__init__.py": "",
        "app/work.py": f"{SDK}{line}\n",
        "app/helper.py": "import deeper",
        "app/deeper.py": "",
        "app/no.py": "",
    }
    assert analysed(files) == {"app/work.py", "app/helper.py", "app/deeper.py"} | (
        {"app/__init__.py"} if "app" in line or "from . " in line else set()
    )


def test_who_imports_it_is_analysed() -> None:
    files = {
        "app/client.py": CLIENT,
        "app/jobs.py": "from app.client import client\n",
        "app/main.py": "from app import jobs, text\nprint(text.upper)\napp.include_router(jobs.router)\n",
        "app/text.py": "",
        "app/other.py": "",
    }
    assert analysed(files) == {"app/client.py", "app/jobs.py", "app/main.py", "app/text.py"}


@pytest.mark.parametrize(
    "mounting",
    [
        "app.include_router(users.router)", "app.include_router(router=users.router, prefix='/u')",
        "app.mount('/u', users.app)",
        "for it in (users.router, jobs.router):\n    app.include_router(it)",
    ],
)  # fmt: skip
def test_what_is_only_mounted_is_not(mounting: str) -> None:
    files = {
        "main.py": f"{CLIENT}import users, jobs\n{mounting}\napp.include_router(jobs.router)\n",
        "jobs.py": SDK,
        "users.py": "import deeper\n",
        "deeper.py": "",
    }
    assert analysed(files) == {"main.py", "jobs.py"}
    assert analysed({**files, "main.py": f"{files['main.py']}users.start(1)\n"}) == set(files)


def test_who_reads_the_client_from_the_state_is_analysed() -> None:
    files = {
        "main.py": f"{CLIENT}import users, clock\napp.state.engine = Resonate()\napp.include_router(users.router)\n"
        "app.include_router(clock.router)\n",
        "users.py": "from getter import engine\n",
        "getter.py": "def engine(request):\n    return request.app.state.engine\n",
        "clock.py": "def zone(request):\n    return request.app.state.zone\n",
    }
    assert analysed(files) == {"main.py", "users.py", "getter.py"}


def test_a_helper_that_other_code_uses_is_not_told_at_its_own_line() -> None:
    """That code is not analysed; what is wrong is still that the workflow calls the helper."""
    files = {
        "work.py": f"{SDK}from clock import now\n\n\nasync def note(ctx: Context, at: float) -> None: ...\n\n\n"
        "async def work(ctx: Context) -> None:\n    await ctx.run(note, now())\n",
        "clock.py": "import time\n\n\ndef now() -> float:\n    return time.time()\n",
        "other.py": "from clock import now\n\nprint(now())\n",
    }
    content = {PurePosixPath(name): text.encode() for name, text in files.items()}
    for program in (Program(content), Program(content, named=())):
        assert [(str(it.path), it.line) for it in findings_of(Model(program)) if it.code == "RS201"] == [("work.py", 9)]


def test_a_function_that_other_code_names_is_used() -> None:
    files = {
        "work.py": f"{SDK}{CLIENT}\n\nasync def used(ctx: Context) -> None: ...\n\n\n"
        "async def left(ctx: Context) -> None: ...\n\n\n"
        "async def main() -> None:\n    client = Resonate(url='http://x', group='g')\n    client.register(other)\n\n\n"
        "async def other(ctx: Context) -> None: ...\n",
        "table.py": "JOBS = ['work:used']\n",
    }
    content = {PurePosixPath(name): text.encode() for name, text in files.items()}
    found = [it.message for it in findings_of(Model(Program(content, named=()))) if it.code == "RS107"]
    assert len(found) == 1 and "left" in found[0]


def test_it_says_how_many_have_to_do_with_it(tool: Tool, tmp_path: Path) -> None:
    (tmp_path / "home" / "work.py").write_text(SDK)
    (tmp_path / "home" / "other.py").write_text("")
    assert tool("check").out == "2 files (1 with Resonate) checked: nothing found\n"
    assert tool("check", "work.py").out == "1 file checked: nothing found\n"
