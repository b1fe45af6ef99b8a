"""The webhook `parcel-lost`: it resumes the workflow that waits."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.parcel_lost import ParcelLost, parcel_lost
from ..runtime.http.auth import ClientDep
from ..runtime.http.webhooks import ANSWERED, Signed, Webhook, deliver

router = APIRouter(tags=["webhooks"])
webhook = Webhook("parcel-lost")


class ParcelLostBody(ParcelLost):
    """The answer as it is sent, and the work that it is for."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"job_id": "place-order/order-4711", "order_id": "example"}]},
    )

    job_id: str


class ParcelLostTaken(BaseModel):
    """The answer that holds."""

    job_id: str
    answer: ParcelLost


@router.post("/webhooks/parcel-lost", responses=ANSWERED, openapi_extra=webhook.takes(ParcelLostBody))
async def take_parcel_lost(signed: Annotated[Signed, Depends(webhook)], client: ClientDep) -> ParcelLostTaken:
    """Take an answer for the work that it names, from when that was accepted.

    The same again is answered alike.
    """
    sent = signed.parse(ParcelLostBody)
    answer = ParcelLost(order_id=sent.order_id)
    holds = await deliver(client, parcel_lost, sent.job_id, answer, signed)
    return ParcelLostTaken(job_id=sent.job_id, answer=holds)
