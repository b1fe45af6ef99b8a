"""What a check finds, and the rules by which it does."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from resonate_scaffold.code.scopes import Scope


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake: where it stands (lines and columns count from 1), what is wrong, and what to do."""

    path: PurePosixPath
    line: int
    column: int
    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule. One that is not on by default is asked for by its code."""

    code: str
    name: str
    summary: str
    by_default: bool = True


RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule("RS000", "syntax-error", "A file that is not Python."),
        Rule("RS101", "unknown-function", "A call names a function that its group does not register."),
        Rule("RS102", "unknown-group", "A call goes to a group that no process joins."),
        Rule("RS103", "unserved-contract", "A contract of a group whose worker does not serve it."),
        Rule("RS104", "registered-twice", "The same name and version, registered twice."),
        Rule("RS105", "served-elsewhere", "A contract served by the worker of another group than it says."),
        Rule("RS106", "unregistered-object", "A function is called by object and registered nowhere."),
        Rule("RS107", "unused-function", "A durable function that nothing registers or calls."),
        Rule("RS108", "wrong-arguments", "A durable call with arguments that its function does not take."),
        Rule("RS109", "wrong-types", "Types that differ between contract, call and function."),
        Rule("RS110", "client-at-import", "A client made at import, without the event loop that it needs."),
        Rule("RS111", "options-replaced", "Options after options: the first ones are dropped."),
        Rule("RS112", "dependency-by-base", "A dependency asked for by a base class of what is provided."),
        Rule("RS113", "lost-name", "A function or gate that was released, and that the code has no longer."),
        Rule("RS114", "missing-import", "An import of what the program does not have."),
        Rule("RS115", "db-import", "The API or a workflow imports what only the group db may use."),
        Rule("RS201", "clock", "A workflow reads the clock."),
        Rule("RS202", "random", "A workflow draws a random value."),
        Rule("RS203", "uuid", "A workflow makes a random uuid."),
        Rule("RS204", "environment", "A workflow reads its process's environment."),
        Rule("RS205", "files", "A workflow touches files."),
        Rule("RS206", "network", "A workflow talks to the network."),
        Rule("RS207", "threads", "A workflow starts a thread or a process."),
        Rule("RS208", "asyncio-control", "A workflow waits with asyncio's clock or its scheduling."),
        Rule("RS209", "set-order", "The order of a set decides what a workflow does."),
        Rule("RS210", "mutable-global", "A workflow depends on a module's state that changes."),
        Rule("RS301", "effect-outside-step", "A workflow writes to the outside, not in a step."),
        Rule("RS302", "parent-context", "A step makes durable calls with the context of its workflow."),
        Rule("RS303", "write-outside-operations", "A db function writes outside of `once`."),
        Rule("RS304", "blocking-call", "Async code blocks the event loop."),
        Rule("RS305", "dropped-call", "A durable call that nobody awaits."),
        Rule("RS306", "not-json", "A value that does not survive JSON."),
        Rule("RS307", "unbounded-retries", "A worker whose functions are retried for years."),
        Rule("RS308", "no-timeout", "A wait without a bound of its own."),
        Rule("RS309", "wrong-timeout-error", "A workflow catches an error that a timed-out call does not raise."),
        Rule("RS310", "deaf-worker", "A worker whose stream of work ends after five minutes.", by_default=False),
        Rule("RS311", "cut-short", "A wait that outlasts the workflow's own deadline."),
        Rule("RS312", "endless-loop", "A loop of durable calls that nothing bounds."),
        Rule("RS313", "never-caught", "A handler of what no durable call raises."),
        Rule("RS401", "work-in-route", "A route does the work itself."),
        Rule("RS402", "context-in-route", "A route has a Context."),
        Rule("RS403", "unbounded-wait", "A route waits for a result without a bound."),
        Rule("RS404", "no-202", "A route starts work and answers 200."),
        Rule("RS405", "client-chosen-promise", "A request says which promise is settled."),
        Rule("RS406", "unsigned-webhook", "Whoever finds the route settles the promise."),
        Rule("RS407", "outside-rejection", "A promise is rejected with data from outside."),
        Rule("RS408", "colon-in-id", "A root id with a colon."),
        Rule("RS409", "lost-random-id", "A random id that the caller never learns."),
        Rule("RS410", "promise-search", "A search that most engines do not have."),
        Rule("RS411", "unconfirmed-start", "A route answers before the engine has taken the work."),
        Rule("RS412", "stale-done", "A route trusts what a handle saw a minute ago."),
        Rule("RS501", "stale-import", "An import that SDK 0.8 does not have."),
        Rule("RS502", "stale-client", "What a client of SDK 0.8 does not have."),
        Rule("RS503", "stale-context", "What a Context of SDK 0.8 does not have."),
        Rule("RS504", "yield-style", "A durable function that yields its calls."),
        Rule("RS505", "stale-handle", "What a handle of SDK 0.8 does not have."),
        Rule("RS601", "edited-runtime", "A file of a service's runtime that was changed by hand."),
    )
}

_NOQA = re.compile(rb"#\s*noqa(?::\s*(?P<codes>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?", re.IGNORECASE)


def finding(code: str, node: ast.AST, scope: Scope, message: str, hint: str) -> Finding:
    """A finding at a node."""
    line, column = int(getattr(node, "lineno", 1)), int(getattr(node, "col_offset", 0))
    return Finding(scope.module.path, line, column + 1, code, message, hint)


def is_suppressed(line: bytes, code: str) -> bool:
    """Whether a line of code carries a `# noqa` for a rule, or for all."""
    if b"noqa" not in line.lower():
        return False
    match = _NOQA.search(line)
    if match is None:
        return False
    codes = match["codes"]
    return codes is None or code.encode() in re.split(rb"[,\s]+", codes.upper())


def is_selected(code: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    """Whether a rule is on. The longest beginning of its code decides, and of equal ones the one that ignores.

    To select nothing is the default selection.
    """
    selected, ignored = _longest(code, select), _longest(code, ignore)
    if selected is None and (select or not RULES[code].by_default):
        return False
    return ignored is None or (selected is not None and selected > ignored)


def _longest(code: str, prefixes: tuple[str, ...]) -> int | None:
    """The length of the longest of the given beginnings of a code; of ``ALL`` it is nothing. None where none fits."""
    fitting = ("" if it == "ALL" else it for it in prefixes)
    return max((len(it) for it in fitting if code.startswith(it)), default=None)
