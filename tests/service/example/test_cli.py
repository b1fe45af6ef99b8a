"""The commands of the example: approve and reject; and its rows for development."""

import socket
from decimal import Decimal
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


@pytest.mark.parametrize(
    ("arguments", "host", "asked"),
    [([], "127.0.0.1", "127.0.0.1"), ([], "::1", "[::1]"), ([], "0.0.0.0", "127.0.0.1"), (["--url"], "", "localhost")],
)
def test_a_decision_goes_to_this_machine_whatever_proxy_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], host: str, asked: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        proxy.setblocking(False)
        proxy_url = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        environment = {
            "WEBHOOK_SECRETS": f"approvals:{SECRET}",
            "PORT": "9",
            "HOST": host,
            "NO_PROXY": None,
            "no_proxy": None,
        }
        environment |= dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), proxy_url)
        given = [*arguments, "http://localhost:9"] if arguments else []
        done = CliRunner().invoke(main, ["approve", "x", *given], env=environment)
        assert f"http://{asked}:9 does not answer" in done.output
        with pytest.raises(BlockingIOError):
            proxy.accept()


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
    # SQLite keeps whole cents.
    kept = (120_000, 98_050, -4_200) if url.startswith("sqlite") else map(Decimal, ("1200.00", "980.50", "-42.00"))
    names = ("Ada Lovelace", "Grace Hopper", "Alan Turing")
    assert read_rows(url)["accounts"] == [
        repr((f"acc-{n}", *it)) for n, it in enumerate(zip(names, kept, strict=True), 1)
    ]
    databases.drop(url)
