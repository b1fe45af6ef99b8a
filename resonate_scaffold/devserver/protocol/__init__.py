"""The protocol's state machine: ``(state, now, request) -> (state, answer, messages)``, without any input or output.

    machine     one request or one tick applied to a state
    requests    what may be asked, and what is refused before anything is looked at
    promises, tasks, schedules   what each kind of request does
    timeouts    what the clock does
    state       promises with their tasks, schedules, and an index for each question that a request asks
    records     what is kept and answered, in the words of the wire

`apply` and `tick` change the state in place. They are deterministic: from equal states, the same requests and ticks at
the same times lead to equal states, answers and messages. An answer holds records of the state itself: encode it before
the next request.
"""

from resonate_scaffold.devserver.protocol.machine import apply, changes_nothing, tick
from resonate_scaffold.devserver.protocol.records import Answer, Execute, Message, Promise, Schedule, Task, Unblock
from resonate_scaffold.devserver.protocol.requests import Refused, Request, parse
from resonate_scaffold.devserver.protocol.state import State

__all__ = [
    "Answer",
    "Execute",
    "Message",
    "Promise",
    "Refused",
    "Request",
    "Schedule",
    "State",
    "Task",
    "Unblock",
    "apply",
    "changes_nothing",
    "parse",
    "tick",
]
