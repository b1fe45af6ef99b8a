"""The exceptions of the runtime.

    Failure               a durable function failed for good; its message is what the client reads
    OperationConflict     an operation id was used for two different writes
    EngineUnavailable     the engine did not answer in time; what was asked of it may still happen
    OperatorError         what an operator can mend: what is wrong, and what to do
      MissingSetting      a setting that this process needs is not set
      WiringError         a contract that nobody serves, or a function in the wrong group
      SchemaError         the database is not at the migration that this code needs
      PortTaken           an address is in use
      CannotRecord        there is no history of such a run

What an owner's code raises is `Failure`; the others come from the runtime.
"""


class Failure(Exception):
    """A failure in words that may leave the service: its message is what the client reads.

    Raise it for what no retry can mend. Any other exception that leaves a durable function is logged where it
    happened, and reported as an internal error without its text.
    """


class OperationConflict(Exception):
    """The operation was done before with other arguments: two different writes share an id."""


class EngineUnavailable(Exception):
    """The engine did not answer in time. What was asked of it may still happen."""


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
