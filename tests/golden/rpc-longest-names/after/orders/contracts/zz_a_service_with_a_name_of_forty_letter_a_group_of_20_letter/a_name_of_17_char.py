"""The durable function `a-group-of-20-letter.a-name-of-17-char` of group
`zz-a-service-with-a-name-of-forty-letter.a-group-of-20-letter`: another team's.
"""

from uuid import UUID

from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class ANameOf17Char(BaseModel):
    """Request of `a-group-of-20-letter.a-name-of-17-char`.

    Group `zz-a-service-with-a-name-of-forty-letter.a-group-of-20-letter` serves it: a
    durable function registered as `a-group-of-20-letter.a-name-of-17-char`, in any
    language, called with one argument and answering one value:

        target    poll://any@zz-a-service-with-a-name-of-forty-letter.a-group-of-20-letter
        argument  {"order_id": "example"}
        result    {"receipt": "6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11"}
    """

    order_id: str


class ANameOf17CharResult(BaseModel):
    """Result of `a-group-of-20-letter.a-name-of-17-char`."""

    receipt: UUID


a_name_of_17_char = Rpc(
    name="a-group-of-20-letter.a-name-of-17-char",
    group="zz-a-service-with-a-name-of-forty-letter.a-group-of-20-letter",
    request=ANameOf17Char,
    result=ANameOf17CharResult,
)
