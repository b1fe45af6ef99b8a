"""Services that grew by random sequences pass their own tests, and strict types.

They are those of ``test_sequences`` with more steps; ``SEED=17`` runs one. Postgres is left to ``test_machinery``.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.grown import is_read, made_by_new, runtime
from tests.test_sequences import BOM, grown_at_random

SEEDS = [int(os.environ["SEED"])] if "SEED" in os.environ else [100, 101, 102]
STEPS = 14


def run(command: list[str | Path], directory: Path) -> tuple[int, str]:
    """Run a command; returns its status and what it printed."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(
        command,
        cwd=directory,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("seed", SEEDS)
def test_it_passes_its_own_checks(seed: int, service_python: Path, tmp_path: Path) -> None:
    sequence, _ = grown_at_random(seed, STEPS)
    unread = {path: content for path, content in made_by_new(bare=seed % 2 == 1).items() if not is_read(path)}
    for path, content in {**unread, **runtime(), **sequence.project.files}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        # The service's own rules read its files without allowing for a byte order mark.
        (tmp_path / path).write_bytes(content.removeprefix(BOM))
    for arguments in (["mypy"], ["pytest", "-q", "-x", "-p", "no:cacheprovider"]):
        status, said = run([service_python, "-m", *arguments], tmp_path)
        assert status == 0, said + sequence.told()
