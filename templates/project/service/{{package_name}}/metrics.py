"""What Prometheus reads, at `/metrics` of the API and of each worker's health port.

Labels have few values: names from the code and outcomes, never an id. Metrics of your own are made the same way; the
registry is prometheus-client's own, one a process.
"""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

REQUESTS = Histogram(
    "http_server_request_duration_seconds",
    "HTTP requests; a route is its template, or `unmatched`.",
    ["method", "route", "status"],
)
ACTIVE_REQUESTS = Gauge("http_server_active_requests", "HTTP requests that are being answered.")

SUBMITTED = Counter(
    "jobs_submitted_total",
    "Durable work that was asked for: new, replayed (asked for before) or reused (its id is another request's).",
    ["function", "outcome"],
)
ENGINE_REQUESTS = Histogram(
    "engine_request_duration_seconds",
    "What the service itself asks the engine (the SDK's own requests are not counted): ok, refused or unavailable.",
    ["outcome"],
)
ENGINE_UP = Gauge(
    "engine_up",
    "1: when this was read the engine answered (requests), and could send work to this process (stream).",
    ["part"],
)

RUNS = Histogram(
    "durable_function_duration_seconds",
    "Runs of durable functions; a workflow's run ends where it waits (suspended), and another goes on.",
    ["function", "outcome"],
)
ACTIVE_RUNS = Gauge("durable_function_active_runs", "Durable functions that run.", ["function"])

CONTENT_TYPE = CONTENT_TYPE_LATEST


def exposition() -> bytes:
    """The metrics of this process, in Prometheus's text format."""
    return generate_latest()
