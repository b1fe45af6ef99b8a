"""The embedded engine beside what a Resonate server answered: recorded requests, replayed.

    python -m tests.conformance

Each line of `tests/recordings` is a request with its answer, the clock set on, or the server's whole state; see its
README. Everything must be equal but for what is in `EXCEPTIONS`. Prints figures by kind.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from resonate_scaffold.devserver.protocol import Execute, Message, Refused, State, Unblock, apply, parse, tick
from resonate_scaffold.devserver.protocol.requests import check_lineage

RECORDINGS = Path(__file__).parent / "recordings"

type Line = dict[str, Any]

EXCEPTIONS = {
    "lineage": (
        "Later servers, and the SDK's own, refuse (400) an id that does not extend the ancestors in its tags, and a "
        "task that awaits what has another root. The replay sees the refusal, and goes on without that check."
    ),
    "untimed": (
        "Later servers end a promise by the clock only where it has a target, a timer's tag or the tag "
        "resonate:external; another one ends when it is asked for. After each tick the replay asks for those."
    ),
}
"""Where the engine answers otherwise than v0.9.8 in the recordings, and why."""

BEYOND = {
    "task.fence brings along at most 100 promises of its branch": (
        "a run knows them, and a run of 1,000 steps was sent a thousand of them with each step"
    ),
    "resonate:delay": "later servers offer a task with this tag at its time; v0.9.8 offers it at once",
    "a cron expression that never matches is refused (400)": "v0.9.8 takes it and fires once a minute",
    "a cron expression with a year begins on the first day of that year": "v0.9.8 leaves out the first",
    "schedule.create whose promises could not be roots is refused (400)": "later servers refuse each of its promises",
    "ttl close to 2^63": "a lease ends at 2^63 - 1; v0.9.8 overflows",
}
"""Known differences that no recording shows."""


def scenarios() -> Iterator[tuple[str, list[Line]]]:
    """Each recorded scenario: its name, and its lines in order."""
    name, lines = "", list[Line]()
    for path in sorted(RECORDINGS.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                if "scenario" in line:
                    if lines:
                        yield name, lines
                    name, lines = line["scenario"], []
                else:
                    lines.append(line)
    yield name, lines


class Replay:
    """One engine that is asked what the server was asked."""

    def __init__(self) -> None:
        self.state = State()
        self.checked: Counter[str] = Counter()
        self.excepted: Counter[str] = Counter()
        self._executes: dict[str, Execute] = {}
        self._unblocks: dict[tuple[str, str], Unblock] = {}

    def line(self, line: Line) -> str | None:
        """Do what a line says. What is not as it was recorded; None when all is."""
        now = line["at"]
        if "tick" in line:
            self._send(tick(self.state, now))
            self._ask_for_untimed(now)
            return None
        if "state" in line:
            self.checked["state"] += 1
            return _difference(self.snapshot(), line["state"], "state")
        self.checked[line["kind"]] += 1
        status, data = self.request(now, line["kind"], line["data"])
        if status != line["status"]:
            return f"{line['kind']}: status {status} ({data}), recorded {line['status']}"
        if status >= 400:
            return None
        ours, theirs = _plain(data), line["answer"]
        if line["kind"].endswith(".search") and _ids(ours) != _ids(theirs):
            return f"{line['kind']}: found {_ids(ours)}, recorded {_ids(theirs)}"
        return _difference(ours, theirs, line["kind"])

    def request(self, now: int, kind: str, data: Any) -> tuple[int, Any]:
        try:
            request = parse(kind, msgspec.json.encode(data))
        except Refused as refused:
            return refused.status, refused.reason
        try:
            check_lineage(request)
        except Refused:
            self.excepted["lineage"] += 1
        answer, messages = apply(self.state, now, request)
        self._send(messages)
        return answer.status, answer.data

    def _ask_for_untimed(self, now: int) -> None:
        over = [promise.id for promise in self.state.promises.values() if promise.is_over(now)]
        for id in over:
            self.excepted["untimed"] += 1
            self.request(now, "promise.get", {"id": id})

    def _send(self, messages: list[Message]) -> None:
        """Keep messages as the server does: the last offer of each task, one piece of news an address."""
        for message in messages:
            if isinstance(message, Execute):
                self._executes[message.task_id] = message
            else:
                self._unblocks[message.promise.id, message.address] = message

    def snapshot(self) -> Any:
        promises = list(self.state.promises.values())
        tasks = [promise for promise in promises if promise.task is not None]
        executes = [
            (each.address, {"kind": "execute", "data": {"task": {"id": each.task_id, "version": each.version}}})
            for each in self._executes.values()
        ]
        unblocks = [
            (each.address, {"kind": "unblock", "data": {"promise": each.promise}}) for each in self._unblocks.values()
        ]
        return _plain(
            {
                "promises": [promise.record for promise in promises],
                "promiseTimeouts": [
                    {"id": each.id, "timeout": each.record.timeout_at} for each in promises if each.is_pending
                ],
                "callbacks": [
                    {"awaiter": id, "awaited": promise.id} for promise in promises for id in promise.awaiters
                ],
                "listeners": [
                    {"id": promise.id, "address": address} for promise in promises for address in promise.listeners
                ],
                "tasks": [promise.task_record() for promise in tasks],
                "taskTimeouts": [
                    {"id": id, "timeout": at, "type": int(self.state.promises[id].task.state == "acquired")}  # type: ignore[union-attr]
                    for id, at in self.state.task_deadlines.items()
                ],
                "messages": [
                    {"address": address, "message": {**message, "head": {}}}
                    for address, message in (*executes, *unblocks)
                ],
            }
        )


def _ids(found: dict[str, Any]) -> list[str]:
    """What a search has found, in order: pages go by it."""
    return [record["id"] for records in found.values() if isinstance(records, list) for record in records]


def _plain(data: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(data))


def _difference(ours: Any, theirs: Any, where: str) -> str | None:
    """What differs first. The corrId of a fenced answer is that of each request, so it is left out."""
    ours, theirs = _sorted(ours), _sorted(theirs)
    if ours == theirs:
        return None
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        for key in ours:
            if found := _difference(ours[key], theirs[key], f"{where}.{key}"):
                return found
    if isinstance(ours, list) and isinstance(theirs, list):
        only = [each for each in ours if each not in theirs], [each for each in theirs if each not in ours]
        return f"{where}: only here {only[0]}, only recorded {only[1]}"
    return f"{where}: {ours!r}, recorded {theirs!r}"


def _sorted(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _sorted(value) for key, value in data.items() if key != "corrId"}
    if isinstance(data, list):
        return sorted((_sorted(each) for each in data), key=lambda each: json.dumps(each, sort_keys=True))
    return data


def main() -> int:
    checked, excepted, failed = Counter[str](), Counter[str](), Counter[str]()
    for name, lines in scenarios():
        replay = Replay()
        for number, line in enumerate(lines):
            if wrong := replay.line(line):
                failed[line.get("kind", "state")] += 1
                print(f"scenario {name}, line {number}: {wrong}"[:2000])
                break
        checked += replay.checked
        excepted += replay.excepted
    print(f"{'kind':<28}{'replayed':>10}{'different':>10}")
    for kind in sorted(checked):
        print(f"{kind:<28}{checked[kind]:>10}{failed[kind]:>10}")
    for name, count in excepted.items():
        print(f"exception {name}, {count} times: {EXCEPTIONS[name]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
