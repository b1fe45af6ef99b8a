"""The workflow `tidy-up`, end to end.

This process runs every group, and stand-ins for the groups that other teams serve.
"""

from orders.contracts.workflows import TidyUp, TidyUpResult, tidy_up
from tests.conftest import Service

REQUEST = TidyUp()


async def test_tidy_up(service: Service) -> None:
    result = await service.run(tidy_up, "tidy-up/test", REQUEST)
    assert result == TidyUpResult()
    # Asked for again under its id, it is the same run.
    again = await service.run(tidy_up, "tidy-up/test", REQUEST)
    assert again == result
