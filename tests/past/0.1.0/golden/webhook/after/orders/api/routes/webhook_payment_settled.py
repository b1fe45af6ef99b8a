"""The webhook `payment-settled`: an answer from outside resumes the workflow that waits for it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ... import ids
from ...contracts.workflows import PaymentSettled, payment_settled
from ..dependencies import EngineDep, not_found
from ..webhooks import PROBLEMS, SignedBody, deliver, openapi_body, parse

router = APIRouter(prefix="/webhooks/payment-settled", tags=["webhooks"])


class PaymentSettledSent(PaymentSettled):
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


@router.post("/{id:path}", responses=PROBLEMS, openapi_extra=openapi_body(PaymentSettledSent))
async def take_payment_settled(id: str, body: SignedBody, engine: EngineDep) -> PaymentSettledTaken:
    """Take an answer for the work with this id. The same answer again is answered as the first was."""
    sent = parse(PaymentSettledSent, body)
    answer = PaymentSettled(receipt=sent.receipt, amount=sent.amount, note=sent.note)
    if not ids.visible_to(None, id):
        raise not_found()
    holds = await deliver(engine, payment_settled, id, answer)
    return PaymentSettledTaken(id=id, answer=holds)
