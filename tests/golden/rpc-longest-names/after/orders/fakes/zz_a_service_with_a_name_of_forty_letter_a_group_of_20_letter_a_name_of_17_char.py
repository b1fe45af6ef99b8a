"""A stand-in for `a-group-of-20-letter.a-name-of-17-char` of group
`zz-a-service-with-a-name-of-forty-letter.a-group-of-20-letter`, which another team
serves: for development and tests.
"""

from uuid import UUID

from resonate.context import Context

from ..contracts.zz_a_service_with_a_name_of_forty_letter_a_group_of_20_letter import a_name_of_17_char as contract
from ..contracts.zz_a_service_with_a_name_of_forty_letter_a_group_of_20_letter.a_name_of_17_char import (
    ANameOf17Char,
    ANameOf17CharResult,
)
from ..runtime.durable.rpc import serve


@serve(contract.a_name_of_17_char)
async def a_name_of_17_char(ctx: Context, request: ANameOf17Char) -> ANameOf17CharResult:
    """Answer `a-group-of-20-letter.a-name-of-17-char` as the other side would."""
    return ANameOf17CharResult(
        # An example: nothing here has this name and type.
        receipt=UUID("6f0ad5b6-3f6c-4f0e-9d5a-0c6a5d0c7a11")
    )
