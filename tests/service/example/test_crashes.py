"""Jobs survive crashes, whatever their approval comes to."""

import pytest
from shop.contracts.workflows.approval import Decision, approval
from shop.contracts.workflows.process_job import ProcessJob, process_job
from shop.runtime.http.work import Status, WorkError
from shop.runtime.testing.crashes import Crashes

JOB = ProcessJob(account_id="acc-1", requires_approval=True)


@pytest.mark.parametrize("approved", [True, False])
def test_an_approval_survives_crashes(crashes: Crashes, approved: bool) -> None:
    outcome = crashes(process_job, JOB, answers={approval: Decision(approved=approved)})
    assert outcome.status is (Status.SUCCEEDED if approved else Status.FAILED)
    assert outcome.error == (None if approved else WorkError(code="not-approved", message="the job was rejected"))


def test_a_job_that_nobody_decides_survives_crashes(crashes: Crashes) -> None:
    outcome = crashes(process_job, JOB, answers={})
    assert outcome.error == WorkError(code="not-approved", message="nobody decided in time")


def test_a_job_of_nobody_survives_crashes(crashes: Crashes) -> None:
    outcome = crashes(process_job, ProcessJob(account_id="nobody"))
    assert outcome.error == WorkError(code="no-such-account", message="account 'nobody' does not exist")
