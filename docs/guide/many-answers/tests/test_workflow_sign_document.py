"""The workflow `sign-document`: its signers answer in any order, and before they are asked."""

from orders.contracts.workflows.sign_document import SignDocument, sign_document
from orders.contracts.workflows.signature import Signature, signature
from orders.runtime.http.work import Status
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService

REQUEST = SignDocument(document="doc-1", signers=["ada", "grace"])


async def sign(service: RunningService, signer: str, *, agreed: bool = True, message: str | None = None) -> int:
    body = {"job_id": "doc-1", "signer": signer, "agreed": agreed}
    return (await service.send_signed("/webhooks/signature", body, message_id=message)).status_code


async def test_everybody_signs(service: RunningService) -> None:
    await sign_document.start(service.client, "sign-document/doc-1", REQUEST)
    # Nobody waits for the workflow, and the first message is delivered twice.
    assert [await sign(service, *who, message=who[0]) for who in (["grace"], ["grace"], ["ada"])] == [200] * 3
    outcome = await service.outcome(sign_document, "sign-document/doc-1", REQUEST)
    assert outcome.result == {"document": "doc-1", "signed_by": ["grace", "ada"]}
    assert await sign(service, "bo") == 409


async def test_one_does_not_agree(service: RunningService) -> None:
    await sign_document.start(service.client, "sign-document/doc-1", REQUEST)
    await sign(service, "ada")
    await sign(service, "grace", agreed=False)
    outcome = await service.outcome(sign_document, "sign-document/doc-1", REQUEST)
    assert outcome.error is not None and outcome.error.code == "not-signed"


def test_it_survives_crashes(crashes: Crashes) -> None:
    alone = SignDocument(document="doc-1", signers=["ada"])
    outcome = crashes(sign_document, alone, answers={signature: Signature(signer="ada", agreed=True)})
    assert outcome.status is Status.SUCCEEDED
