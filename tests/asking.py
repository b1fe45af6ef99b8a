"""Random requests, as clients make them and as they should not: for an engine of ours, and for a server beside it."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from resonate_scaffold.devserver.protocol import State
from resonate_scaffold.devserver.protocol.ids import root_of
from resonate_scaffold.devserver.protocol.requests import KINDS

ROOTS = ("job/a", "b.c", "d")
IDS = [id for root in ROOTS for id in (root, f"{root}:1", f"{root}:2", f"{root}:1.1")]
WORKERS = "poll://any@workers"
FIRST = 1_900_000_000_000

#: What makes the others interesting comes more often.
_WEIGHTS = {
    "promise.create": 24,
    "promise.settle": 8,
    "task.create": 6,
    "task.acquire": 14,
    "task.suspend": 12,
    "task.fence": 10,
    "task.fulfill": 5,
}
_ODD: tuple[Any, ...] = (None, True, -1, 0, 1.5, 1 << 63, "", "é", "a:b:c", [], {}, "x" * 300)


class Asker:
    """Makes requests that mean something in the state that the others have led to, and some that do not."""

    def __init__(self, random: Random, state: State) -> None:
        self._random, self._state = random, state
        self._kinds = [*KINDS, "task.fence"]
        self._weights = [_WEIGHTS.get(kind, 2) for kind in self._kinds]

    def pause(self) -> int:
        """How long (ms) until the next request."""
        return self._random.choice((0, 0, 0, 0, 0, 0, 1, 20, 500, 31_000))

    def request(self, now: int) -> tuple[str, Any]:
        """The kind and data of a request to make at `now` (ms)."""
        kind = self._random.choices(self._kinds, self._weights)[0]
        data = self._data(kind, now)
        if self._random.random() < 0.04:
            self._spoil(data)
        return kind, data

    def _spoil(self, data: dict[str, Any]) -> None:
        while data:
            key = self._random.choice(sorted(data))
            if isinstance(data[key], dict) and data[key] and self._random.random() < 0.7:
                data = data[key]
                continue
            if self._random.random() < 0.3:
                del data[key]
            else:
                data[key] = self._random.choice(_ODD)
            return

    def _data(self, kind: str, now: int) -> dict[str, Any]:
        pick, state = self._random.choice, self._state
        match kind:
            case "promise.create":
                return self._creation(now)
            case "promise.settle":
                return self._settlement(self._pending())
            case "promise.register_callback":
                return {"awaited": self._id(), "awaiter": self._id()}
            case "promise.register_listener":
                return {"awaited": self._id(), "address": f"poll://uni@api/{pick((1, 2))}"}
            case "promise.search":
                tags = {pick(("resonate:target", "resonate:scope", "resonate:origin")): pick((WORKERS, "local", "d"))}
                return {"state": pick(("pending", "resolved", "rejected_timedout")), **self._page({"tags": tags})}
            case "task.create":
                wanted = self._creation(now)
                wanted["tags"]["resonate:target"] = WORKERS
                return {**self._holder(), "action": {"kind": "promise.create", "head": {}, "data": wanted}}
            case "task.acquire":
                id = self._task("pending")
                return {"id": id, "version": self._version(id), **self._holder()}
            case "task.release" | "task.fulfill" | "task.suspend" | "task.fence":
                return self._of_lease(kind, now)
            case "task.heartbeat":
                ids = [self._task("acquired") for _ in range(2)]
                beats = [{"id": id, "version": self._version(id)} for id in ids]
                return {"pid": pick(("p1", "p2")), "tasks": beats}
            case "task.search":
                return {"state": pick(("pending", "acquired", "suspended", "fulfilled")), **self._page({})}
            case "schedule.create":
                return {
                    "id": pick(("s1", "s2")),
                    "cron": pick(("* * * * *", "*/5 * * * *", "0 9 * * MON-FRI")),
                    "promiseId": "sch.{{.id}}.{{.timestamp}}",
                    "promiseTimeout": 60_000,
                    "promiseTags": {"resonate:target": WORKERS},
                }
            case "schedule.get" | "schedule.delete":
                return {"id": pick(("s1", "s2"))}
            case "schedule.search":
                return self._page({"tags": {"resonate:target": WORKERS}})
            case "task.continue":
                return {"id": self._task("halted")}
            case "task.halt" if len(state.promises) % 3:  # what is halted leads nowhere
                return {"id": "nobody"}
        return {"id": self._id()}

    def _page(self, others: dict[str, Any]) -> dict[str, Any]:
        """What a search says of pages, and some of the others."""
        asked = {"limit": self._random.choice((1, 3, 50)), "cursor": self._random.choice((*IDS, "s1"))} | others
        return {name: value for name, value in asked.items() if self._random.random() < 0.5}

    def _of_lease(self, kind: str, now: int) -> dict[str, Any]:
        id = self._task("acquired")
        data: dict[str, Any] = {"id": id, "version": self._version(id)}
        match kind:
            case "task.fulfill":
                data["action"] = {"kind": "promise.settle", "head": {}, "data": self._settlement(id)}
            case "task.suspend":
                kin = [each for each in IDS if each != id and root_of(each) == root_of(id)]
                open_kin = [each for each in kin if self._is_pending(each)]
                chosen = self._random.sample(open_kin or kin, k=1 + (self._random.random() < 0.3 < len(open_kin) - 1))
                data["actions"] = [
                    {"kind": "promise.register_callback", "head": {}, "data": {"awaited": each, "awaiter": id}}
                    for each in chosen
                ]
            case "task.fence":
                made = self._random.random() < 0.7
                wanted = self._creation(now) if made else self._settlement(self._pending())
                data["action"] = {"kind": "promise.create" if made else "promise.settle", "head": {}, "data": wanted}
        return data

    def _creation(self, now: int) -> dict[str, Any]:
        pick = self._random.choice
        id = pick([each for each in IDS if each not in self._state.promises] or IDS)
        root = root_of(id)
        parent = id.rpartition("." if "." in id.removeprefix(root) else ":")[0] or root
        tags = {"resonate:origin": root, "resonate:branch": id, "resonate:parent": parent}
        match pick(("remote", "remote", "remote", "local", "bare", "timer")):
            case "local":
                tags |= {"resonate:branch": parent, "resonate:scope": "local"}
            case "bare":
                tags |= {"resonate:external": "true"}
            case "timer":
                tags |= {"resonate:target": WORKERS, "resonate:timer": "true"}
            case _:
                tags |= {"resonate:target": WORKERS}
        lifetime = pick((1 << 40, 1 << 40, 1 << 40, 200_000, 500, -5))
        return {"id": id, "timeoutAt": now + lifetime, "param": pick(({}, {"data": "x"})), "tags": tags}

    def _settlement(self, id: str) -> dict[str, Any]:
        state = self._random.choice(("resolved", "rejected", "rejected_canceled"))
        return {"id": id, "state": state, "value": self._random.choice(({}, {"headers": {"h": "1"}, "data": "v"}))}

    def _holder(self) -> dict[str, Any]:
        return {"pid": self._random.choice(("p1", "p2")), "ttl": self._random.choice((60_000, 60_000, 5_000, 1))}

    def _id(self) -> str:
        return self._random.choice(IDS)

    def _pending(self) -> str:
        return self._random.choice([id for id in IDS if self._is_pending(id)] or IDS)

    def _is_pending(self, id: str) -> bool:
        promise = self._state.find(id)
        return promise is not None and promise.is_pending

    def _task(self, wanted: str) -> str:
        known = [promise for id in IDS if (promise := self._state.find(id)) is not None and promise.task is not None]
        fit = [promise.id for promise in known if promise.task is not None and promise.task.state == wanted]
        return self._random.choice(fit if fit and self._random.random() < 0.9 else IDS)

    def _version(self, id: str) -> int:
        promise = self._state.find(id)
        version = promise.task.version if promise is not None and promise.task is not None else 0
        return version if self._random.random() < 0.95 else max(0, version - 1)


def text(data: Any) -> bytes:
    return json.dumps(data).encode()
