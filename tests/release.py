"""Make a release, up to what cannot be taken back: `nox -s release`; with `-- 0.3.0` it goes to that version first.

1. The tree is clean, CHANGELOG.md has an entry for the version, and it is not tagged.
2. sdist and wheel are built of the last commit, twice in different places, and must be the same to the byte.
3. Each is installed into an empty environment and tried: a service is made and installed, its tests pass, `check` finds
   nothing, `dev` answers over HTTP and does a job.
4. The code of the release is packed for those after it.

It publishes nothing, tags nothing, pushes nothing: it prints the commands that do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from pathlib import Path

import httpx

import resonate_scaffold
from resonate_scaffold import templates
from resonate_scaffold.errors import ScaffoldError
from resonate_scaffold.upgrade.releases import replay_with
from resonate_scaffold.upgrade.replay import replay
from tests.past.pack_release import archives_of, pack
from tests.topology import free_port

CHECKOUT = Path(__file__).parent.parent
SOURCE = Path("resonate_scaffold", "__init__.py")
DIST = CHECKOUT / "dist"
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_ASSIGNMENT = re.compile(r'^__version__ = "(.+)"$', re.M)
_SECONDS = 900  # for one command; a service's tests are the longest


class NotReady(Exception):
    """Why there is no release; the message says what to do."""


# What is decided without a disk


def bumped(source: str, version: str) -> str:
    """The module that holds the version, with a newer one.

    Raises:
        NotReady: it is no version, or not newer.
    """
    found = _ASSIGNMENT.search(source)
    if found is None:
        raise NotReady(f"{SOURCE} has no line: __version__ = …")
    if not _VERSION.fullmatch(version):
        raise NotReady(f"{version} is no version: three numbers, as 0.3.0")
    if _numbers(version) <= _numbers(found[1]):
        raise NotReady(f"{version} is not after {found[1]}, which {SOURCE} has")
    return source[: found.start(1)] + version + source[found.end(1) :]


def changelog_entry(text: str, version: str) -> str:
    """What CHANGELOG.md says of a version.

    Raises:
        NotReady: it has no entry for it, or an empty one, or a newer entry stands before it.
    """
    entries = re.split(r"^## ", text, flags=re.M)[1:]
    found = {heading.strip(): body.strip() for heading, _, body in (it.partition("\n") for it in entries)}
    if not found.get(version):
        raise NotReady(f"CHANGELOG.md says nothing of {version}: add an entry `## {version}`")
    if next(iter(found)) != version:
        raise NotReady(f"CHANGELOG.md begins with {next(iter(found))}, and {version} is to be released")
    return found[version]


def unclean(status: str, expected: Sequence[str] = ()) -> list[str]:
    """The paths of `git status --porcelain` that are not committed, but for those that a release leaves itself."""
    return [line[3:] for line in status.splitlines() if line[3:] not in expected]


def missing_metadata(metadata: Message, version: str) -> list[str]:
    """What a distribution does not say of itself, or says wrongly."""
    wanted = {"Name": "resonate-scaffold", "Version": version, "Requires-Python": ">=3.12"}
    wrong = [f"{name}: {metadata[name]}" for name, value in wanted.items() if metadata[name] != value]
    wrong += [name for name in ("Summary", "Keywords", "Description-Content-Type") if not metadata[name]]
    classifiers = metadata.get_all("Classifier", [])
    pythons = [it.rpartition(" ")[2] for it in classifiers if re.search(r":: Python :: 3\.\d+$", it)]
    wrong += [f"Classifier: Python {it}" for it in ("3.12", "3.13", "3.14") if it not in pythons]
    wrong += ["Description"] if len(str(metadata.get_payload())) < 1000 else []
    return wrong


def differing(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> list[str]:
    """The names of what is not the same in both."""
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


# What is done


def _run(*command: str | Path, cwd: Path = CHECKOUT, env: Mapping[str, str] | None = None) -> str:
    """Run a command to its end; its output.

    Raises:
        NotReady: it fails, or takes too long.
    """
    shown = " ".join(map(str, command))
    try:
        done = subprocess.run(
            command, cwd=cwd, env=env, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotReady(f"`{shown}`: {error}") from error
    if done.returncode:
        raise NotReady(f"`{shown}` failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def _uv(*arguments: str | Path, cwd: Path = CHECKOUT, env: Mapping[str, str] | None = None) -> str:
    return _run(sys.executable, "-m", "uv", *arguments, cwd=cwd, env=env)


def go_to(version: str) -> None:
    """Write a newer version into the package, and commit that. This process goes on having the older one."""
    _see_that_all_is_committed(version)
    changelog_entry((CHECKOUT / "CHANGELOG.md").read_text("utf-8"), version)
    source = bumped((CHECKOUT / SOURCE).read_text("utf-8"), version)
    (CHECKOUT / SOURCE).write_text(source, "utf-8")
    _run("git", "commit", "--quiet", "--message", f"Version {version}", "--", SOURCE)


def prepare() -> tuple[str, str]:
    """See that the tree may be released; the version and its commit."""
    version = resonate_scaffold.__version__
    _see_that_all_is_committed(version)
    changelog_entry((CHECKOUT / "CHANGELOG.md").read_text("utf-8"), version)
    if _run("git", "tag", "--list", f"v{version}").strip():
        raise NotReady(f"v{version} is tagged: it was released. Give the next version: nox -s release -- VERSION")
    return version, _run("git", "rev-parse", "HEAD").strip()


def _see_that_all_is_committed(version: str) -> None:
    left = [path.relative_to(CHECKOUT).as_posix() for path in archives_of(version)]
    if paths := unclean(_run("git", "status", "--porcelain", "--untracked-files=all"), left):
        raise NotReady(f"Not committed: {', '.join(paths[:9])}. Commit it, or take it away")


def build(commit: str, scratch: Path) -> dict[str, bytes]:
    """sdist and wheel of a commit, built in a new directory. Their moment is that of the commit."""
    archive, source, out = scratch / "source.tar", scratch / "source", scratch / "out"
    _run("git", "archive", "--format=tar", f"--output={archive}", commit)
    with tarfile.open(archive) as packed:
        packed.extractall(source, filter="data")
    moment = _run("git", "show", "--no-patch", "--format=%ct", commit).strip()
    _uv("build", "--quiet", "--out-dir", out, source, env={**os.environ, "SOURCE_DATE_EPOCH": moment})
    return {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.suffix in (".whl", ".gz")}


def metadata_of(path: Path) -> Message:
    """What a wheel or an sdist says of itself."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            (name,) = (it for it in wheel.namelist() if it.endswith(".dist-info/METADATA"))
            return message_from_bytes(wheel.read(name))
    with tarfile.open(path) as sdist:
        found = sdist.extractfile(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert found is not None
        return message_from_bytes(found.read())


def attempt(distribution: Path, version: str, scratch: Path) -> None:
    """Install a distribution into an empty environment, away from the checkout, and use it as a newcomer does."""
    kept = ("HOME", "PATH", "LANG", "SSL_CERT_FILE", "TMPDIR", "SYSTEMROOT", "TEMP", "APPDATA", "LOCALAPPDATA")
    # uv and pip are told by the environment where packages come from.
    plain = {name: value for name, value in os.environ.items() if name in kept or name.startswith(("UV_", "PIP_"))}
    environment = scratch / "environment"
    _uv("venv", "--quiet", "--python", sys.executable, environment)
    _uv("pip", "install", "--quiet", "--python", environment, distribution)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    tool = programs / "resonate-scaffold"
    if (said := _run(tool, "--version", cwd=scratch, env=plain).split()) != ["resonate-scaffold", version]:
        raise NotReady(f"{distribution.name} is of version {said}")
    _run(tool, "new", "shop", "--defaults", "--no-git", cwd=scratch, env=plain)
    service = scratch / "shop"
    inner = service / ".venv" / programs.name / "python"
    passed = _run(inner, "-m", "pytest", "-p", "no:cacheprovider", cwd=service, env=plain)
    _say(f"  {distribution.name}: its service: {passed.strip().splitlines()[-1]}")
    findings = json.loads(_run(tool, "check", "--format", "json", cwd=service, env=plain))["findings"]
    if findings:
        raise NotReady(f"`check` finds mistakes in a new service: {findings}")
    with _dev(tool, service, plain) as url:
        _do_a_job(url)
    _say(f"  {distribution.name}: `check` finds nothing, `dev` did a job over HTTP")


@contextmanager
def _dev(tool: Path, service: Path, environment: Mapping[str, str]) -> Iterator[str]:
    port = free_port()
    log = service.parent / "dev.log"
    with log.open("w", encoding="utf-8") as output:
        command = [str(tool), "dev", "--port", str(port), "--engine", "embedded"]
        process = subprocess.Popen(
            command,
            cwd=service,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        except (httpx.HTTPError, TimeoutError) as error:
            raise NotReady(f"`dev` does not answer: {error}\n{log.read_text('utf-8')[-3000:]}") from error
        finally:
            process.send_signal(signal.SIGINT if os.name != "nt" else signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _do_a_job(url: str, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not _is_ready(url):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not ready after {seconds:g} s")
        time.sleep(0.2)
    begun = httpx.post(f"{url}/jobs", json={"account_id": "acc-1"}, timeout=30).raise_for_status()
    while time.monotonic() < deadline:
        job = httpx.get(f"{url}{begun.headers['Location']}", headers={"Prefer": "wait=10"}, timeout=30).json()
        if job["status"] == "succeeded":
            return
    raise TimeoutError(f"the job did not succeed in {seconds:g} s")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def try_pack(version: str, archive: Path, scratch: Path) -> None:
    """See that the packed code makes what this code makes, as an upgrade will ask of it."""
    with lzma.open(archive) as content, tarfile.open(fileobj=content) as packed:
        packed.extractall(scratch, filter="data")
    answers = templates.complete_answers({"project_name": "shop"})
    if replay_with(version, answers, [], past=scratch) != replay(answers, []):
        raise NotReady(
            f"{archive} makes another service than this code: tests/past/pack_release.py leaves out too much"
        )


def release() -> None:
    """All of it.

    Raises:
        NotReady: there is no release.
    """
    version, commit = prepare()
    _say(f"{version} of {commit[:12]}: clean, in the changelog, not tagged")
    with tempfile.TemporaryDirectory(prefix="release-") as name:
        scratch = Path(name)
        places = [scratch / "first", scratch / "another-place"]
        for place in places:
            place.mkdir()
        made, again = (build(commit, place) for place in places)
        if different := differing(made, again):
            raise NotReady(f"Two builds differ: {', '.join(different)}")
        DIST.mkdir(exist_ok=True)
        for file, content in made.items():
            (DIST / file).write_bytes(content)
            _say(f"  {file}: {len(content):,} bytes, twice the same, sha256 {hashlib.sha256(content).hexdigest()}")
            if missing := missing_metadata(metadata_of(DIST / file), version):
                raise NotReady(f"{file} does not say: {', '.join(missing)}")
        for number, file in enumerate(made):
            place = scratch / f"tried-{number}"
            place.mkdir()
            attempt(DIST / file, version, place)
        archives = pack(commit, version)
        try_pack(version, archives[0], scratch / "packed")
    for path in archives:
        _say(f"  {path.relative_to(CHECKOUT)}: {path.stat().st_size:,} bytes, for the releases after it")
    _say(_next_steps(version, commit, list(made), [path.relative_to(CHECKOUT).as_posix() for path in archives]))


def _next_steps(version: str, commit: str, files: Sequence[str], archives: Sequence[str]) -> str:
    """What is left to the owner."""
    return f"""
Nothing is published. What is left to you, in this order:
  git tag --annotate v{version} {commit} --message "Version {version}"
  git push origin HEAD v{version}
  uv publish {" ".join(f"dist/{name}" for name in files)}
  git add {" ".join(archives)}
  git commit --message "Carry version {version}, so that its services can be upgraded"
"""


def _say(text: str) -> None:
    print(text, flush=True)


def main(wanted: str | None) -> int:
    """Make a release, at a newer version if one is wanted; the exit status."""
    try:
        if wanted is not None and wanted != resonate_scaffold.__version__:
            go_to(wanted)
            return subprocess.call([sys.executable, "-m", "tests.release"], cwd=CHECKOUT)  # which has that version
        release()
    except NotReady as error:
        print(f"no release: {error}", file=sys.stderr)
        return 1
    except ScaffoldError as error:
        print(f"no release: {error.message}\n{error.hint}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("version", nargs="?", help="the version to go to first; the one of the package otherwise")
    sys.exit(main(parser.parse_args().version))
