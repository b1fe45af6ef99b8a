"""The webhook `signature`: what a sender is told."""

from orders.contracts.workflows.sign_document import SignDocument, sign_document
from orders.runtime.http.signatures import new_secret
from orders.runtime.testing.running import RunningService, problem

PATH = "/webhooks/signature"
BODY = {"job_id": "doc-1", "signer": "ada", "agreed": True}


async def test_what_is_refused(service: RunningService) -> None:
    assert problem(await service.send_signed(PATH, BODY)) == (404, "not-found")
    await sign_document.start(service.client, "sign-document/doc-1", SignDocument(document="d", signers=["ada", "bo"]))
    assert problem(await service.send_signed(PATH, BODY, secret=new_secret())) == (401, "bad-signature")
    assert problem(await service.send_signed(PATH, {**BODY, "agreed": "yes"})) == (422, "invalid-request")


async def test_more_messages_than_the_gate_takes_are_a_conflict(service: RunningService) -> None:
    request = SignDocument(document="d", signers=["ada", "bo"])
    await sign_document.start(service.client, "sign-document/doc-1", request)
    for number in range(10):
        taken = await service.send_signed(PATH, {**BODY, "signer": f"signer-{number}"})
        assert taken.status_code == 200, taken.text
    outcome = await service.outcome(sign_document, "sign-document/doc-1", request)
    assert outcome.error is not None and outcome.error.code == "not-signed"
    assert problem(await service.send_signed(PATH, BODY)) == (409, "answered-otherwise")
