"""The gate at which a job waits for a person's decision."""

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class Decision(BaseModel):
    """The decision."""

    approved: bool


approval = Gate("approve", Decision)
