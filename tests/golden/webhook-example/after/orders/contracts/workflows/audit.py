"""The gate `audit`: where a workflow waits for the answer that the webhook brings."""

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class Audit(BaseModel):
    """What webhook `audit` brings."""

    passed: bool


audit = Gate("audit", Audit)
