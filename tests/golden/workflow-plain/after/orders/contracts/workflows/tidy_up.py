"""The workflow `tidy-up`."""

from pydantic import BaseModel

from ...runtime.durable.rpc import JOB_TIMEOUT, Rpc


class TidyUp(BaseModel):
    """Request of `tidy-up`: empty."""


class TidyUpResult(BaseModel):
    """Result of `tidy-up`: empty."""


tidy_up = Rpc(
    name="tidy-up",
    group="workers",
    request=TidyUp,
    result=TidyUpResult,
    timeout=JOB_TIMEOUT,
)
