"""`db.save_result`: record what a job found."""

from pydantic import AwareDatetime, BaseModel

from ...runtime.durable.rpc import Rpc


class SaveResult(BaseModel):
    """Record what a job found, once."""

    job_id: str
    account_id: str
    risk: str
    processed_at: AwareDatetime


class SavedResult(BaseModel):
    """The record's number."""

    result_id: int


save_result = Rpc(
    name="db.save_result",
    group="db",
    request=SaveResult,
    result=SavedResult,
)
