"""What group `workers` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""

from datetime import timedelta

from pydantic import BaseModel

from ..rpc import Rpc


class TidyUp(BaseModel):
    """What `tidy-up` is asked: nothing."""


class TidyUpResult(BaseModel):
    """What `tidy-up` answers: that it is done."""


tidy_up = Rpc(
    name="tidy-up",
    group="workers",
    request=TidyUp,
    result=TidyUpResult,
    timeout=timedelta(days=7),
)
