"""The workflow `tidy-up`."""

from datetime import timedelta

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class TidyUp(BaseModel):
    """Request of `tidy-up`: empty."""


class TidyUpResult(BaseModel):
    """Result of `tidy-up`: empty."""


tidy_up = Rpc(
    name="tidy-up",
    group="workers",
    request=TidyUp,
    result=TidyUpResult,
    timeout=timedelta(days=7),
)
