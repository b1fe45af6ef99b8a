"""Make a service with the code of version 0.1.0 by adds and by removes, in the order that is asked for.

As `resonate_scaffold/past/replay_0_1_0.py`, whose directory and the code of 0.1.0 are on the path; a record of the kind
`remove` takes back what its options name as `kind`, under its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import replay_0_1_0 as replaying
from resonate_scaffold.generators.remove import find_added, remove

add = replaying.add


def add_or_remove(project: Any, kind: str, name: str, options: Mapping[str, Any]) -> Any:
    """The plan of one command."""
    if kind == "remove":
        return remove(project, find_added(project, options["kind"], name), delete_changed=True)
    return add(project, kind, name, options)


if __name__ == "__main__":
    replaying.add = add_or_remove
    replaying.main()
