"""The workflow `keep-table`: it survives crashes."""

from orders.contracts.workflows.keep_table import KeepTable, keep_table
from orders.runtime.testing.crashes import Crashes


def test_it_survives_crashes(crashes: Crashes) -> None:
    crashes(keep_table, KeepTable(guest="Ada"))
