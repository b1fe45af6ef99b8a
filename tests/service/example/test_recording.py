"""The command `record`, on a job."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from shop.runtime.testing.history import History

from ..test_recording import run_record

JOB = '{"account_id": "acc-1", "requires_approval": true}'
YES, NO = 'approve={"approved": true}', 'approve/job/x={"approved": false}'


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Bring back the level that the command sets."""
    before = logging.getLogger("resonate").level
    yield
    logging.getLogger("resonate").setLevel(before)


def test_record_writes_a_history_and_keeps_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tests" / "histories" / "process-job-v1-x.json"
    arguments = ["process-job@1", JOB, "--id", "job/x", "--answer"]
    done = run_record(tmp_path, monkeypatch, *arguments, YES)
    written = f"{path.relative_to(tmp_path)}: process-job (version 1), 6 calls, resolved\n"
    assert (done.exit_code, done.output) == (0, written)
    first = path.read_text("utf-8")
    assert History.model_validate_json(first).id == "job/x"

    done = run_record(tmp_path, monkeypatch, *arguments, NO)
    assert done.exit_code == 1
    assert "holds another history\nReplace it with --force" in done.output
    assert path.read_text("utf-8") == first

    done = run_record(tmp_path, monkeypatch, *arguments, NO, "--force")
    assert (done.exit_code, done.output.partition("calls, ")[2]) == (0, "failed: the job was rejected\n")


def test_record_writes_where_it_is_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = '{"account_id": "acc-1"}'
    done = run_record(tmp_path, monkeypatch, "process-job", job, "--output", "here.json")
    assert (done.exit_code, done.output) == (0, "here.json: process-job (version 1), 3 calls, resolved\n")
    assert History.model_validate_json((tmp_path / "here.json").read_text("utf-8")).id == "record/process-job"
    done = run_record(tmp_path, monkeypatch, "process-job", job, "--output", "here.json/there.json")
    assert (done.exit_code, done.output.splitlines()[1]) == (1, "Give another --output")


def test_record_writes_the_path_where_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run_record(tmp_path, monkeypatch, "process-job", JOB, "--answer", "approve=nobody")
    assert done.output.partition("calls, ")[2] == "failed: nobody decided in time\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["process-job@2", JOB], "Error: there is no workflow 'process-job@2'\nWorkflows: process-job@1"),
        (["process-job", "{}"], "Error: the request does not fit: account_id: Field required\nIt is JSON: "),
        (["process-job", "{"], "Error: the request does not fit: Invalid JSON"),
        (["process-job", JOB], "Error: it waits at gate approve/record/process-job for an answer\nGive one: --answer "),
        (["process-job", JOB, "--answer", "no-such={}"], "Error: there is no gate 'no-such'\nGates: approve"),
        (["process-job", JOB, "--answer", "approve"], "Error: the answer to gate approve does not fit: Invalid JSON"),
        (["process-job", JOB, "--answer", YES, "--answer", NO], "Error: it ended, and never waited for an answer to "),
    ],
)
def test_what_cannot_be_recorded_is_said(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run_record(tmp_path, monkeypatch, *arguments)
    assert done.exit_code == 1
    assert done.output.startswith(message)
    assert not list(tmp_path.rglob("*.json"))
