"""The workflow `tidy-up`, end to end.

This process runs every group, and stand-ins for the groups that other teams serve.
"""

from orders.contracts.workflows import TidyUp, TidyUpResult, tidy_up
from tests.conftest import Service
from tests.crashes import Crashes

REQUEST = TidyUp()


async def test_tidy_up(service: Service) -> None:
    result = await service.run(tidy_up, "tidy-up/test", REQUEST)
    assert result == TidyUpResult()
    # Asked for again under its id, it is the same run.
    again = await service.run(tidy_up, "tidy-up/test", REQUEST)
    assert again == result


def test_tidy_up_survives_crashes(crashes: Crashes) -> None:
    """Wherever the process dies, what becomes of it is the same."""
    crashes(tidy_up, REQUEST)
