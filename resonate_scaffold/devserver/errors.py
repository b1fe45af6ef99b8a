"""What can go wrong with the engine in a way that its user can mend."""


class EngineError(Exception):
    """The engine cannot start, or cannot go on.

    `str(error)` says in one line what is wrong, `error.hint` in one line what to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint
