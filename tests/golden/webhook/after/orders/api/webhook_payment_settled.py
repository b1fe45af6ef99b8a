"""The webhook `payment-settled`: it resumes the workflow that waits."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.payment_settled import PaymentSettled, payment_settled
from ..runtime.http.auth import ClientDep
from ..runtime.http.webhooks import ANSWERED, Signed, Webhook, deliver

router = APIRouter(tags=["webhooks"])
webhook = Webhook("payment-settled")


class PaymentSettledBody(PaymentSettled):
    """The answer as it is sent, and the work that it is for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={
            "examples": [
                {
                    "job_id": "place-order/order-4711",
                    "receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11",
                    "amount": "1.50",
                }
            ]
        },
    )

    job_id: str


class PaymentSettledTaken(BaseModel):
    """The answer that holds."""

    job_id: str
    answer: PaymentSettled


@router.post("/webhooks/payment-settled", responses=ANSWERED, openapi_extra=webhook.takes(PaymentSettledBody))
async def take_payment_settled(signed: Annotated[Signed, Depends(webhook)], client: ClientDep) -> PaymentSettledTaken:
    """Take an answer for the work that it names, from when that was accepted.

    The same again is answered alike.
    """
    sent = signed.parse(PaymentSettledBody)
    answer = PaymentSettled(receipt=sent.receipt, amount=sent.amount, note=sent.note)
    holds = await deliver(client, payment_settled, sent.job_id, answer, signed)
    return PaymentSettledTaken(job_id=sent.job_id, answer=holds)
