"""The exceptions of the runtime.

    Failure               a durable function failed for good; its message is what the client reads
      ApiRefused          an HTTP API of somebody else answered that no retry helps
      AnswerNotRead       an HTTP API answered what cannot be read
      StepFailed          a step raised something else, and no retry helped
      Canceled            the job was canceled, and this is where its workflow learns it
      NotCompensated      a saga failed, and not all of its steps could be undone
      ValueNotKept        an argument or result that the engine cannot keep
      InvalidRequest      a call's request does not fit the contract of its function
      OperationConflict   an operation id was used for two different writes
      NotUnique           a row has this value already, and no two may share it
      NoSuchReference     a value refers to a row that is not there
      StillReferenced     a row cannot go, since others refer to it
      VersionMismatch     a row has changed since its caller saw it
    ApiUnavailable        an HTTP API of somebody else did not answer in time, or asks for another try
    EngineUnavailable     the engine did not answer in time; what was asked of it may still happen
      EngineRefused       the engine refuses this process's token
    InvalidCursor         a cursor that is none of this list in this order
    QueryTimedOut         a query of the API took longer than READ_TIMEOUT
    OperatorError         what an operator can mend: what is wrong, and what to do
      MissingSetting      a setting that this process needs is not set
      WiringError         a contract that nobody serves, or a function in the wrong group
      SchemaError         the database is not at the migration that this code needs
      DatabaseUnavailable the database cannot be reached
      PortTaken           an address is in use
      CannotRecord        there is no history of such a run

What an owner's code raises is `Failure` and its subclasses; the others come from the runtime.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import ValidationError


class Failure(Exception):
    """A failure in words that may leave the service: its message is what the client reads. It ends the call at once.

    Raise it, or a subclass, for what no retry can mend. ``code`` names the kind for programs; ``status`` is the HTTP
    status of a route that waits for the work. Any other exception that leaves a durable function is logged where it
    happened, and reported as an internal error without its text.

    A subclass is a kind of its own, whose code follows from its name; its attributes are kept as JSON, and have the
    types of their annotations when it arrives::

        class CardDeclined(Failure):
            status = 402
            reason: str

            def __init__(self, reason: str) -> None:
                super().__init__(f"the card was declined: {reason}")
                self.reason = reason

    It arrives as that class from a step, and from a durable function whose contract names it (``raises``). A client reads
    the attributes that ``public`` names, too: as members of the problem.
    """

    code: str = "work-failed"
    status: int = 422
    public: ClassVar[tuple[str, ...]] = ()

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        other = _KINDS.setdefault(cls.code, cls)
        if (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"code {cls.code!r} of {cls.__qualname__} is that of {other.__qualname__} already")
        _KINDS[cls.code] = cls


_KINDS: dict[str, type[Failure]] = {}


def kind_of_failure(code: str) -> type[Failure]:
    """The class of a code: a subclass that this process knows, else `Failure` itself."""
    return _KINDS.get(code, Failure)


class StepFailed(Failure):
    """A step raised something else than a `Failure`, and no retry helped. It has been logged with its traceback.

    A workflow may catch it; a client learns nothing of its text. ``error`` is the name of what was raised
    (``ValueError``), and ``text`` its text.
    """

    status = 500
    error: str
    text: str

    def __init__(self, step: str, error: str, text: str) -> None:
        super().__init__(f"{step} raised {error}: {text}" if text else f"{step} raised {error}")
        self.error = error
        self.text = text


class Canceled(Failure):
    """The job was canceled. It is raised once in a workflow: by its next durable call, or by what it waits for.

    Calls that the workflow makes after it go through, so it may clean up; then it must raise it again, or the job does
    not end as canceled. ``instead_of`` is the engine's id of the call in whose place it stands, which was never made;
    "" where there is none.
    """

    status = 409
    instead_of: str

    def __init__(self, instead_of: str = "") -> None:
        super().__init__("the job was canceled")
        self.instead_of = instead_of


class NotCompensated(Failure):
    """A saga failed, and some of its steps could not be undone: ``steps`` are their names, the last one first.

    ``cause`` is the code of the failure for which they were to be undone.
    """

    status = 500
    public = ("steps",)
    steps: list[str]
    cause: str

    def __init__(self, steps: list[str], cause: str) -> None:
        super().__init__(f"could not be undone after the failure {cause!r}: {', '.join(steps)}")
        self.steps = steps
        self.cause = cause


class ValueNotKept(Failure):
    """A value that the engine cannot keep, or that does not come back as what it was."""

    status = 500


class InvalidRequest(Failure):
    """The request of a call does not fit the contract of its function: its caller's mistake.

    ``errors`` has an entry for each mistake: ``at``, where it is in the request (``lines/0/sku``), and ``detail``.
    """

    errors: list[dict[str, str]]

    def __init__(self, function: str, errors: list[dict[str, str]]) -> None:
        super().__init__(f"the request of {function} does not fit its contract: {in_a_line(errors)}")
        self.errors = errors


def mistakes_in(error: ValidationError) -> list[dict[str, str]]:
    """What does not fit, each as ``at``, where it is (``lines/0/sku``), and ``detail``; without the values, which may be secret."""
    items = error.errors(include_url=False, include_input=False, include_context=False)
    return [{"at": "/".join(map(str, item["loc"])), "detail": item["msg"]} for item in items]


def in_a_line(mistakes: list[dict[str, str]]) -> str:
    """The first few mistakes, on one line."""
    return "; ".join(f"{mistake['at'] or 'it'}: {mistake['detail']}" for mistake in mistakes[:5])


class OperationConflict(Failure):
    """The operation was done before with other arguments: two different writes share an id."""

    status = 409


class NotUnique(Failure):
    """A row has this value already. ``fields`` are those that must differ, alone or together."""

    status = 409
    public = ("fields",)
    fields: list[str]

    def __init__(self, fields: list[str]) -> None:
        together = ", together" if len(fields) > 1 else ""
        super().__init__(f"{' and '.join(fields)}: taken already{together}")
        self.fields = fields


class NoSuchReference(Failure):
    """A value refers to a row that is not there. ``fields`` has its name."""

    status = 409
    public = ("fields",)
    fields: list[str]

    def __init__(self, field: str) -> None:
        super().__init__(f"{field}: there is no such id")
        self.fields = [field]


class StillReferenced(Failure):
    """A row cannot go, since others refer to it: those of the table ``by``."""

    status = 409
    public = ("by",)
    by: str

    def __init__(self, by: str) -> None:
        super().__init__(f"it cannot be deleted: {by} refer to it")
        self.by = by


class VersionMismatch(Failure):
    """A row has changed since its caller saw it: ``version`` is the one that it has now."""

    code = "precondition-failed"
    status = 412
    public = ("version",)
    version: int

    def __init__(self, version: int) -> None:
        super().__init__(f"it has changed since: its version is {version} now")
        self.version = version


class ApiRefused(Failure):
    """An HTTP API of somebody else refused a request: ``api`` is its name, ``answered`` the status, ``body`` its beginning.

    A client reads no more of it than that. Where it means something to the client, catch it in the step and raise
    a `Failure` of your own.
    """

    status = 502
    api: str
    answered: int
    body: str

    def __init__(self, api: str, answered: int, body: str) -> None:
        super().__init__(f"{api} refused a request ({answered})")
        self.api = api
        self.answered = answered
        self.body = body


class AnswerNotRead(Failure):
    """An HTTP API of somebody else answered what cannot be read. What was asked of it has been done."""

    status = 502
    api: str

    def __init__(self, api: str, why: str) -> None:
        super().__init__(f"{api}: {why}")
        self.api = api


class ApiUnavailable(Exception):
    """An HTTP API of somebody else did not answer in time, or asks for another try: see `Retry`.

    What was asked of it may have happened. ``headers`` are those of its answer, with its `Retry-After`.
    """

    def __init__(self, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = headers or {}


class EngineUnavailable(Exception):
    """The engine did not answer in time. What was asked of it may still happen."""


class EngineRefused(EngineUnavailable):
    """The engine refuses this process's token: a mistake in the deployment, which no request or job is to blame for."""

    def __init__(self, code: int, namespace: str = "") -> None:
        covered = f"does not cover {namespace}/" if namespace else "does not cover this id"
        reason = "it is missing, wrong or expired" if code == 401 else f"its claim `prefix` {covered}"
        super().__init__(f"the engine refuses RESONATE_TOKEN ({code}): {reason}")
        self.code = code


class InvalidCursor(Exception):
    """A cursor that is none of this list in this order: only what a page gave as `next_cursor` is one."""


class QueryTimedOut(Exception):
    """A query of the API took longer than READ_TIMEOUT."""


class OperatorError(Exception):
    """What an operator can mend: ``problem`` is a line that says what is wrong, ``remedy`` one that says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\n{remedy}")
        self.problem = problem
        self.remedy = remedy


class MissingSetting(OperatorError):
    """A setting that this process needs is not set."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name} is not set, and this process needs it",
            "Set it in the environment or in .env; .env.example explains every setting.",
        )


class WiringError(OperatorError):
    """A worker that would leave calls unanswered. It is refused at start-up, because such calls wait for ever."""


class SchemaError(OperatorError):
    """The database is behind the migrations that this code needs, or one of them failed."""


class DatabaseUnavailable(OperatorError):
    """The database cannot be reached."""


class PortTaken(OperatorError):
    """An address that this process should listen on is in use."""


class CannotRecord(OperatorError):
    """There is no history of such a run."""
