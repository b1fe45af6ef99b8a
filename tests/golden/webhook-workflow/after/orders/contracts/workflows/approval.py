"""The gate `approval`: a workflow waits here for its webhook."""

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class Approval(BaseModel):
    """What webhook `approval` brings."""

    approved: bool
    by: str


approval = Gate("approval", Approval)
