"""The gate `signature`: a workflow waits here for its webhook, once for each signer."""

from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class Signature(BaseModel):
    """What webhook `signature` brings."""

    signer: str
    agreed: bool


signature = Gate("signature", Signature, answers=10)
