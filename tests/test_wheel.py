"""The wheel holds all that the tool needs: in an empty environment, away from the checkout, it works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.conftest import tree

CHECKOUT = Path(__file__).parents[1]


def uv(*arguments: str | Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "uv", *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    uv("build", "--quiet", "--wheel", "--out-dir", out, CHECKOUT)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_every_file_of_the_templates(wheel: Path) -> None:
    shipped = {
        name.partition("templates_data/")[2] for name in zipfile.ZipFile(wheel).namelist() if "templates_data/" in name
    }
    assert shipped == {
        path.relative_to(CHECKOUT / "templates").as_posix()
        for path in (CHECKOUT / "templates").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_what_an_upgrade_reads(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "resonate_scaffold/CHANGELOG.md" in names and "resonate_scaffold/past/0.1.0.tar.xz" in names


def test_new_works_from_the_wheel_alone(wheel: Path, tmp_path: Path, clean_git: None) -> None:
    environment = tmp_path / "environment"
    uv("venv", "--quiet", "--python", sys.executable, environment)
    uv("pip", "install", "--quiet", "--python", environment, wheel)
    program = environment / ("Scripts" if sys.platform == "win32" else "bin") / "resonate-scaffold"
    work = tmp_path / "work"
    work.mkdir()
    variables = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}

    def new(command: list[str | Path], place: str) -> dict[str, bytes]:
        options = ["new", "my-api", "--no-install", "--no-git", "--json", "--into", place]
        ran = subprocess.run(
            [*command, *options],
            cwd=work,
            env=variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert json.loads(ran.stdout)["error"] is None
        return tree(work / place / "my-api")

    installed = new([program], "installed")
    checkout = new([sys.executable, "-m", "resonate_scaffold"], "checkout")
    assert (installed.pop(".env") != checkout.pop(".env")) is True
    assert installed == checkout
