"""The webhook `payment-settled`: an answer from outside resumes the workflow that waits for it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.payment_settled import PaymentSettled, payment_settled
from ..runtime.durable.ids import is_visible
from ..runtime.http.auth import ClientDep
from ..runtime.http.problems import not_found
from ..runtime.http.webhooks import ANSWERED, SignedBody, deliver, parse, signed

router = APIRouter(prefix="/webhooks/payment-settled", tags=["webhooks"])


class PaymentSettledRequest(PaymentSettled):
    """The answer, as it is sent."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11", "amount": "1.50"}]},
    )


class PaymentSettledTaken(BaseModel):
    """The answer that holds."""

    id: str
    answer: PaymentSettled


@router.post("/{id:path}", responses=ANSWERED, openapi_extra=signed(PaymentSettledRequest))
async def take_payment_settled(id: str, body: SignedBody, client: ClientDep) -> PaymentSettledTaken:
    """Take an answer for the work with this id. The same answer again gets the same response."""
    sent = parse(PaymentSettledRequest, body)
    answer = PaymentSettled(receipt=sent.receipt, amount=sent.amount, note=sent.note)
    if not is_visible(None, id):
        raise not_found()
    holds = await deliver(client, payment_settled, id, answer)
    return PaymentSettledTaken(id=id, answer=holds)
