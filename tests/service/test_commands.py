"""The commands: what an operator can mend is said in a line or two, and never in a traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from {{ package_name }}.__main__ import (
    main,
)

COMPLETE = {
    "WEBHOOK_SECRET": "a-secret-for-tests-only",
    "DATABASE_URL": "sqlite:///empty.db",
    "RESONATE_URL": "http://127.0.0.1:9",
}


@pytest.mark.parametrize(
    ("environment", "command", "message"),
    [
        ({"WEBHOOK_SECRET": ""}, "worker", "error: WEBHOOK_SECRET: Field required"),
        ({"LEASE": "soon"}, "worker", "error: LEASE: "),
        ({"RESONATE_URL": ""}, "api", "RESONATE_URL is not set"),
        ({}, "db", "the database is at migration none"),
        ({}, "group no-such", "there is no worker group 'no-such'\nGroups: "),
        ({}, "group workflows", "there is no worker group 'workflows'\nGroups: "),
        ({}, "fake no-such", "there is no stand-in for group 'no-such'\nGroups that have some: "),
{%- if not bare %}
        ({"PORT": "9"}, "approve x", "http://127.0.0.1:9 does not answer"),
{%- endif %}
    ],
)
def test_what_is_missing_is_said(
    environment: dict[str, str], command: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, command.split(), env={**COMPLETE, **environment})
    assert done.exit_code == 1
    assert message in done.output
    assert "Traceback" not in done.output
    assert COMPLETE["WEBHOOK_SECRET"] not in done.output
