"""What a check finds, and the rules by which it does."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from resonate_scaffold.code.scopes import Module, Scope


@dataclass(frozen=True, slots=True)
class Mend:
    """A piece of a file and the text that takes its place: a change that is certainly what the owner wants."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One mistake: where it stands, what is wrong, and what to do.

    Lines and columns count from 1, columns in characters; ``end_column`` is the one after the last character.
    """

    path: PurePosixPath
    line: int
    column: int
    code: str
    message: str
    hint: str
    end_line: int | None = field(default=None, compare=False)
    end_column: int | None = field(default=None, compare=False)
    mend: Mend | None = field(default=None, compare=False)


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
        Rule("RS000", "syntax-error", "A file that cannot be parsed as Python."),
        Rule("RS001", "unused-noqa", "A `# noqa` of a rule that finds nothing there, or that does not exist."),
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
        Rule("RS115", "missing-dependency", "A dependency that no worker provides."),
        Rule("RS116", "db-import", "The API or a workflow imports what only the group db may use."),
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
        Rule("RS211", "process-hash", "A workflow depends on `hash` or `id`, which differ in each process."),
        Rule("RS212", "side-by-side", "Helpers that run at the same time and make several durable calls each."),
        Rule("RS213", "lost-change", "A step changes what its workflow goes on with."),
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
        Rule("RS313", "never-caught", "An `except` for what no durable call raises."),
        Rule("RS314", "called-in-place", "A function is called where it should be given: `ctx.run(f(ctx))`."),
        Rule("RS315", "fresh-operation", "An operation of `once` whose id is new in each run."),
        Rule("RS316", "sent-in-transaction", "What `once` does in its transaction talks to the outside."),
        Rule("RS317", "call-at-suspension", "A durable call where a suspended workflow comes by."),
        Rule("RS318", "swallowed-suspension", "A handler that also catches what suspends a workflow."),
        Rule("RS319", "late-undo", "The undo of a saga's step reads what a loop changes before it runs."),
        Rule("RS320", "no-undo", "A step of a saga that is undone at once, or never."),
        Rule("RS401", "work-in-route", "A route does the work itself."),
        Rule("RS402", "context-in-route", "A route has a Context."),
        Rule("RS403", "unbounded-wait", "A route waits for a result without a bound."),
        Rule("RS404", "no-202", "A route starts work and answers 200."),
        Rule("RS405", "client-chosen-promise", "A route settles the promise that its request names."),
        Rule("RS406", "unsigned-webhook", "A route settles a promise and does not check who asks."),
        Rule("RS407", "outside-rejection", "A promise is rejected with data from outside."),
        Rule("RS408", "colon-in-id", "A root id with a colon."),
        Rule("RS409", "lost-random-id", "A random id that the caller never learns."),
        Rule("RS410", "promise-search", "A search that most engines do not have."),
        Rule("RS411", "unconfirmed-start", "A route answers before the engine has taken the work."),
        Rule("RS412", "stale-done", "A route trusts what a handle saw a minute ago."),
        Rule("RS413", "client-chosen-function", "A request says which function is run."),
        Rule("RS414", "clock-id", "Work is named by the clock, a counter or a few random digits alone."),
        Rule("RS501", "stale-import", "An import that SDK 0.8 does not have."),
        Rule("RS502", "stale-client", "What a client of SDK 0.8 does not have."),
        Rule("RS503", "stale-context", "What a Context of SDK 0.8 does not have."),
        Rule("RS504", "yield-style", "A durable function that yields its calls."),
        Rule("RS505", "stale-handle", "What a handle of SDK 0.8 does not have."),
        Rule("RS601", "edited-runtime", "A file of a service's runtime that was changed by hand."),
        Rule("RS602", "deployment-behind", "A file that starts other processes than the code has."),
    )
}


def finding(code: str, node: ast.AST, scope: Scope, message: str, hint: str, text: str | None = None) -> Finding:
    """A finding at a node; with *text*, what certainly belongs in the node's place."""
    (line, column), end = _place(scope.module, node, ""), _place(scope.module, node, "end_")
    mend = Mend(line, column, *end, text) if text is not None else None
    return Finding(scope.module.path, line, column, code, message, hint, *end, mend)


def _place(module: Module, node: ast.AST, which: str) -> tuple[int, int]:
    """The line and the column of a node's beginning or end; syntax trees count columns in bytes of UTF-8."""
    line = int(getattr(node, f"{which}lineno", None) or 1)
    column = int(getattr(node, f"{which}col_offset", None) or 0)
    if column and not module.is_ascii and line <= len(module.lines):
        column = len(module.text(line).encode()[:column].decode("utf-8", "replace"))
    return line, column + 1


def page_of(code: str) -> Path:
    """The page of a rule, in Markdown."""
    return Path(__file__).parent / "pages" / f"{code}.md"


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
