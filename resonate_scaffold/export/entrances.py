"""Under which ids the HTTP API starts workflows, read from the code: another language starts the same work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from resonate_scaffold.service.service import Service


@dataclass(frozen=True, slots=True)
class Entrance:
    """Ids are ``<kind>/<key>``: ``fields`` of the request make the key; where there are none, the caller gives it."""

    kind: str
    fields: tuple[str, ...] = ()


def entrances(service: Service) -> Mapping[str, Entrance]:
    """How each workflow is started, by its durable name."""
    found: dict[str, Entrance] = {}
    for route in service.routes:
        path = service.path_of(route.module)
        if route.method == "GET" or path is None:
            continue
        key = next((key for key in service.keys if any(place.path == str(path) for place in key.used)), None)
        kind = next((kind for kind, _ in service.kinds_in(path)), None)
        for contract in route.contracts:
            if key is not None:
                found[contract] = Entrance(key.kind, tuple(name for name in key.fields if name != "caller"))
            elif kind is not None:
                found.setdefault(contract, Entrance(kind))
    return found
