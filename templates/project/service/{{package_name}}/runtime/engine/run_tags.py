"""The tags by which an engine finds the runs of this service: their kind, their caller, and when they began.

A Resonate server searches by whole tags and pages by id: it has no order by time. So each run says in which day, hour
and minute (UTC) it began. A list asks for the newest day, and for parts of it where it has more than fit.
"""

import re
from datetime import UTC, datetime

from .namespace import Namespace

SERVICE = "run:service"
"""The namespace of the service whose run this is."""

KIND = "run:kind"
"""What begins its id: ``job``."""

CALLER = "run:caller"
"""The caller whose API key its id is of; not there where the id names none."""

AT = "run:at"
"""When it was started, in Unix milliseconds by the engine's clock. Not there where the engine starts it by the clock."""

SCHEDULE = "run:schedule"
"""The schedule at one of whose times the engine made it; its id ends with ``-<Unix ms>``."""

DAY, HOUR, MINUTE = "run:day", "run:hour", "run:minute"

EXTERNAL = {"resonate:external": "true"}
"""The tag of a promise that no worker settles. Of those resonate-pg ends at its time-out only one that has this tag, and
keeps any other for ever.
"""

SCHEDULED = "schedule"
"""The kind of the runs that a schedule starts."""

_FORMATS = {DAY: "%Y-%m-%d", HOUR: "%Y-%m-%dT%H", MINUTE: "%Y-%m-%dT%H:%M"}
_CALLER = re.compile(r"[^/]+/(?P<caller>[a-z0-9-]{1,30})\.")


def tags_of_run(namespace: Namespace, promise_id: str, now_ms: int) -> dict[str, str]:
    """The tags of a run that is started now; ``promise_id`` is its local id."""
    began = datetime.fromtimestamp(now_ms / 1000, UTC)
    kind = promise_id.partition("/")[0]
    tags = {SERVICE: namespace.name, KIND: kind, AT: str(now_ms)}
    # The names of schedules may have dots, too.
    if kind != SCHEDULED and (match := _CALLER.match(promise_id)):
        tags[CALLER] = match["caller"]
    return tags | {level: bucket(level, began) for level in _FORMATS}


def tags_of_scheduled_run(namespace: Namespace, schedule: str) -> dict[str, str]:
    """The tags of each run that the engine makes at the times of a schedule: the same for all of them."""
    return {SERVICE: namespace.name, KIND: SCHEDULED, SCHEDULE: schedule}


def bucket(level: str, at: datetime) -> str:
    """What the tag of a day, an hour or a minute says of a moment."""
    return at.astimezone(UTC).strftime(_FORMATS[level])
