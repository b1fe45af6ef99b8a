"""The workflow `sign-document`: wait until everybody has signed."""

from datetime import timedelta

from resonate.context import Context

from ..contracts.workflows import sign_document as contract
from ..contracts.workflows.sign_document import SignDocument, SignDocumentResult
from ..contracts.workflows.signature import signature
from ..runtime.durable.rpc import serve
from ..runtime.errors import Failure

# Ten waits of twelve hours end within the seven days of JOB_TIMEOUT.
PATIENCE = timedelta(hours=12)


@serve(contract.sign_document)
async def sign_document(ctx: Context, request: SignDocument) -> SignDocumentResult:
    """Collect the signatures of a document, in any order."""
    signed: list[str] = []
    for _ in range(signature.answers):
        answer = await signature.wait(ctx, PATIENCE)
        if answer is None:
            raise Failure("not everybody has signed in time", code="not-signed")
        if answer.signer not in request.signers:
            continue
        if not answer.agreed:
            raise Failure(f"{answer.signer} has not agreed", code="not-signed")
        if answer.signer not in signed:
            signed.append(answer.signer)
        if len(signed) == len(set(request.signers)):
            return SignDocumentResult(document=request.document, signed_by=signed)
    raise Failure("too many answers came, and not everybody has signed", code="not-signed")
