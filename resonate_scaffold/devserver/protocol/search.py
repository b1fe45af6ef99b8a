"""Pages of what a search has found."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

from resonate_scaffold.devserver.protocol.records import Promise, Schedule

#: How many promises or tasks come at once where a search does not say.
MOST_AT_ONCE = 100


def page[T: (Promise, Schedule)](found: Iterable[T], limit: int) -> tuple[list[T], dict[str, Any]]:
    """The first `limit` of these, which come by id, and the cursor to the next page where there is one."""
    items = list(islice(found, limit + 1))
    if len(items) <= limit:
        return items, {}
    return items[:limit], {"cursor": items[limit - 1].id}
