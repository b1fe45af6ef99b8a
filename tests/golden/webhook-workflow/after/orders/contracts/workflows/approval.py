"""The gate `approval`: where a workflow waits for the answer that the webhook brings."""

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class Approval(BaseModel):
    """What webhook `approval` brings."""

    approved: bool
    by: str


approval = Gate("approval", Approval)
