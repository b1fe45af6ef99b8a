"""What time does: promises end, leases lapse, offers are repeated, schedules fire."""

from __future__ import annotations

from resonate_scaffold.devserver.protocol import promises, schedules
from resonate_scaffold.devserver.protocol.state import State


def tick(state: State, now: int) -> None:
    """Do everything that is due at `now`. A schedule that missed several runs makes up for one a tick."""
    state.wake(now)
    over = [state.find(id) for id in state.promise_deadlines.pop_due(now)]
    promises.time_out(state, [promise for promise in over if promise is not None], now)
    # A task keeps its deadline until it has a new one: its family may be saved as it is found.
    while (id := state.task_deadlines.first_due(now)) is not None:
        promise = state.find(id)
        assert promise is not None and promise.task is not None
        if promise.task.state == "acquired":
            state.set_task_state(promise, "pending")
        state.offer(promise, now)
    for id in state.schedule_deadlines.pop_due(now):
        schedules.fire(state, id, now)
