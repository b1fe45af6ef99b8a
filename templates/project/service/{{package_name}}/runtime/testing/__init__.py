"""The pytest plugin: fixtures, crashes, replays, the guarantees."""

import sys

if "pytest" in sys.modules:  # `record`, which needs no pytest, imports this package too
    import pytest

    # Before they are imported: their assertions show the values that they compare.
    pytest.register_assert_rewrite(f"{__name__}.guarantees", f"{__name__}.running")
