"""The commands of the example: approve and reject; and its rows for development."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from shop.__main__ import main
from shop.runtime.testing.databases import Databases, read_rows
from shop.runtime.testing.running import SECRET

pytestmark = pytest.mark.usefixtures("no_settings")


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_an_api_that_is_away(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, [command, "x"], env={"WEBHOOK_SECRETS": f"approvals:{SECRET}", "PORT": "9"})
    assert done.exit_code == 1
    assert "http://127.0.0.1:9 does not answer" in done.output
    assert "Traceback" not in done.output and SECRET not in done.output


def test_a_decision_needs_the_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["approve", "x"], env={"PORT": "9"})
    assert (done.exit_code, done.output.splitlines()[0]) == (
        1,
        "Error: WEBHOOK_SECRETS has no secret of the webhook approvals, and this process needs it",
    )


@pytest.mark.parametrize("commands", [["migrate", "seed"], ["migrate --seed"]])
def test_the_sample_accounts(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    url = databases.create_empty()
    for command in [*commands, *commands]:  # Twice is harmless.
        done = CliRunner().invoke(main, command.split(), env={"DATABASE_URL": url})
        assert done.exit_code == 0, done.output
    assert done.output.endswith("the rows of db/seed.py are there\n")
    assert read_rows(url)["accounts"] == [
        "('acc-1', 'Ada Lovelace', 120000)",
        "('acc-2', 'Grace Hopper', 98050)",
        "('acc-3', 'Alan Turing', -4200)",
    ]
    databases.drop(url)
