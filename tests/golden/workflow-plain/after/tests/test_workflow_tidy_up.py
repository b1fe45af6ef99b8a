"""The workflow `tidy-up`, end to end.

This process runs every group, and stand-ins for the groups that other teams serve.
"""

from orders.contracts.workflows.tidy_up import TidyUp, TidyUpResult, tidy_up
from orders.runtime.testing.crashes import Crashes
from orders.runtime.testing.running import RunningService

REQUEST = TidyUp()


async def test_tidy_up(service: RunningService) -> None:
    result = await service.run(tidy_up, "tidy-up/test", REQUEST)
    assert result == TidyUpResult()
    # Asked for again under its id, it is the same run.
    again = await service.run(tidy_up, "tidy-up/test", REQUEST)
    assert again == result


def test_tidy_up_survives_crashes(crashes: Crashes) -> None:
    """Wherever the process dies, what becomes of it is the same."""
    crashes(tidy_up, REQUEST)
