"""The gate `parcel-lost`: a workflow waits here for its webhook."""

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class ParcelLost(BaseModel):
    """What webhook `parcel-lost` brings."""

    order_id: str


parcel_lost = Gate("parcel-lost", ParcelLost)
