"""Where the functions of this service are, as path and line."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..engine.runs import Call
from ..service import Service


class Source(BaseModel):
    """``path`` is below the directory that holds the service's package; ``line`` is counted from 1."""

    path: str
    line: int


class Sources:
    """Knows what the workers of a service run, its stand-ins included."""

    def __init__(self, service: Service) -> None:
        self.root = service.directory.parent
        served = [entry for worker in service.workers() for entry in worker.served]
        self._functions = {(it.name, it.version): it.function for it in (*service.stand_ins(), *served)}

    def of_function(self, name: str, version: int | None = None) -> Source | None:
        """Where a durable function is."""
        function = self._functions.get((name, version or 1))
        return None if function is None else self._of(function)

    def of_calls(self, root: Call) -> dict[str, Source]:
        """Where the functions of a run and its calls are, by the ids of these."""
        found: dict[str, Source] = {}
        left: list[tuple[Call, Callable[..., Any] | None]] = [(root, None)]
        while left:
            call, caller = left.pop()
            function = self._functions.get((call.name, call.version or 1))
            if function is None and call.form == "step" and caller is not None:
                # A step is recorded by its function's name, which is one of those that its workflow's module knows.
                step = inspect.unwrap(caller).__globals__.get(call.name)
                function = step if inspect.isfunction(step) else None
            if function is not None and (source := self._of(function)) is not None:
                found[call.id] = source
            left += [(below, function) for below in call.calls]
        return found

    def _of(self, function: Callable[..., Any]) -> Source | None:
        code = inspect.unwrap(function).__code__
        path = Path(code.co_filename)
        if not path.is_relative_to(self.root):
            return None
        return Source(path=path.relative_to(self.root).as_posix(), line=code.co_firstlineno)
