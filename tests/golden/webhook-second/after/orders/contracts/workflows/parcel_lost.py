"""The gate `parcel-lost`: where a workflow waits for the answer that the webhook brings."""

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class ParcelLost(BaseModel):
    """What webhook `parcel-lost` brings."""

    order_id: str


parcel_lost = Gate("parcel-lost", ParcelLost)
