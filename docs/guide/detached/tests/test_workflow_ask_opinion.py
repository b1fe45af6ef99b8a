"""The workflow `ask-opinion`, which `close-order` starts and does not wait for."""

import pytest

from orders.contracts.workflows.ask_opinion import AskOpinion, ask_opinion
from orders.runtime.testing.crashes import Crashes


@pytest.mark.parametrize(("order_id", "asked"), [("o-1", True), ("secret", False)])
def test_it_asks_after_two_days(order_id: str, asked: bool, crashes: Crashes) -> None:
    assert crashes(ask_opinion, AskOpinion(order_id=order_id)).result == {"asked": asked}
