"""The metrics that Prometheus reads at `/metrics`, of the API and of each worker's health port.

Labels have few values: names from the code and outcomes, never an id. Make metrics of your own in the same way; the
registry is prometheus-client's default one, one a process.
"""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

PROCESS = Gauge("service_process_info", "Always 1: this process's namespace and group.", ["namespace", "group"])

REQUESTS = Histogram(
    "http_server_request_duration_seconds",
    "HTTP requests, by method, route template (or `unmatched`) and status.",
    ["method", "route", "status"],
)
ACTIVE_REQUESTS = Gauge("http_server_active_requests", "HTTP requests in progress.")

SUBMITTED = Counter(
    "jobs_submitted_total",
    "Requests for durable work: new, replayed (asked for before) or reused (its id is another request's).",
    ["function", "outcome"],
)
JOBS_ENDED = Counter(
    "jobs_ended_total",
    "Jobs that a worker saw end: succeeded, refused, failed (by a bug, or what it depends on), timed-out, canceled.",
    ["function", "outcome"],
)
ENGINE_REQUESTS = Histogram(
    "engine_request_duration_seconds",
    "The service's own requests to the engine, without the SDK's: ok, refused or unavailable.",
    ["outcome"],
)
ENGINE_UP = Gauge(
    "engine_up",
    "1: at this reading the engine answered (requests), and could send work to this process (stream).",
    ["part"],
)

RESOURCE_UP = Gauge(
    "resource_up", "1: what the runs of this process need, such as the database, is there.", ["resource"]
)

ENGINE_CLOCK_SKEW = Gauge(
    "engine_clock_skew_seconds",
    "By how much the engine's clock is ahead of this machine's, as far as its answers prove it.",
)

SCHEDULED = Counter(
    "schedule_times_total",
    "Times of schedules: started; or skipped, which is missed (it had passed) or overlap (the run before has not ended).",
    ["schedule", "outcome"],
)
UNTAKEN = Gauge(
    "group_untaken_seconds",
    "How long a call of this process has waited for a worker of a group, at the last look; 0: not for long.",
    ["group"],
)

RUNS = Histogram(
    "durable_function_duration_seconds",
    "Runs of durable functions: succeeded, refused, failed, timed-out, canceled; raised (it may be tried again), "
    "suspended (a workflow waits, and another run goes on), interrupted.",
    ["function", "outcome"],
)
PLACES = Gauge(
    "worker_runs",
    "Runs that a worker holds: in_use (of MAX_RUNS places), back_off (they wait for their next try, without a place), "
    "held_back (its code does not fit them).",
    ["state"],
)
UNKNOWN_FUNCTIONS = Counter(
    "worker_unknown_functions_total",
    "Runs that this worker handed back since it does not serve their function, such as those of the next release.",
)
FIRST_START = Histogram(
    "engine_first_start_seconds", "From the creation of a call to the begin of its first run, by its group.", ["group"]
)
RESUME = Histogram(
    "engine_resume_seconds",
    "From the end of the last call that a run waited for to its next begin, by the run's group.",
    ["group"],
)
OLDEST_WAITING = Gauge(
    "worker_oldest_waiting_seconds",
    "How long the oldest run that was offered to this worker has waited for a place; 0: none waits.",
)
LOOP_BLOCKED = Counter(
    "event_loop_blocked_total",
    "Times that the event loop of a worker was blocked for seconds; the log says where.",
)
ABANDONED_THREADS = Gauge(
    "abandoned_threads",
    "Threads of plain functions that go on though their call has timed out: nothing can stop a thread.",
)
ACTIVE_RUNS = Gauge("durable_function_active_runs", "Runs of durable functions in progress.", ["function"])

CONTENT_TYPE = CONTENT_TYPE_LATEST


def render() -> bytes:
    """The metrics of this process, in Prometheus's text format."""
    return generate_latest()
