"""The webhook `parcel-lost`: an answer from outside resumes the workflow that waits for it."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from ..contracts.workflows.parcel_lost import ParcelLost, parcel_lost
from ..runtime.durable.ids import is_visible
from ..runtime.http.auth import ClientDep
from ..runtime.http.problems import not_found
from ..runtime.http.webhooks import ANSWERED, SignedBody, deliver, parse, signed

router = APIRouter(prefix="/webhooks/parcel-lost", tags=["webhooks"])


class ParcelLostRequest(ParcelLost):
    """The answer, as it is sent."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [{"order_id": "example"}]})


class ParcelLostTaken(BaseModel):
    """The answer that holds."""

    id: str
    answer: ParcelLost


@router.post("/{id:path}", responses=ANSWERED, openapi_extra=signed(ParcelLostRequest))
async def take_parcel_lost(id: str, body: SignedBody, client: ClientDep) -> ParcelLostTaken:
    """Take an answer for the work with this id. The same answer again gets the same response."""
    sent = parse(ParcelLostRequest, body)
    answer = ParcelLost(order_id=sent.order_id)
    if not is_visible(None, id):
        raise not_found()
    holds = await deliver(client, parcel_lost, id, answer)
    return ParcelLostTaken(id=id, answer=holds)
