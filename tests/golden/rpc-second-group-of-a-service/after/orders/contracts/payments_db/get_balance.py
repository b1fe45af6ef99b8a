"""The durable function `db.get_balance` of group `payments.db`: another team's."""

from decimal import Decimal

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class GetBalance(BaseModel):
    """Request of `db.get_balance`.

    Group `payments.db` serves it: a durable function registered as `db.get_balance`, in
    any language, called with one argument and answering one value:

        target    poll://any@payments.db
        argument  {"customer_id": "example"}
        result    {}
    """

    customer_id: str


class GetBalanceResult(BaseModel):
    """Result of `db.get_balance`."""

    balance: Decimal | None = None


get_balance = Rpc(
    name="db.get_balance",
    group="payments.db",
    request=GetBalance,
    result=GetBalanceResult,
)
