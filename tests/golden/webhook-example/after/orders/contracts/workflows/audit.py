"""The gate `audit`: a workflow waits here for its webhook."""

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class Audit(BaseModel):
    """What webhook `audit` brings."""

    passed: bool


audit = Gate("audit", Audit)
