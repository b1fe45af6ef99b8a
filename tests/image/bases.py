"""The images that the generated files name, where no registry has them: made from Debian packages.

They stand in for the published ones in a trial; nothing that is deployed is made of them. What is needed: root on a
Debian, with `debootstrap`, and the mirror from which that Debian installs its own packages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from tests.image.engine import ContainerEngine

RELEASE = "trixie"
"""The Debian whose Python is 3.13 and whose PostgreSQL is 17: those that the generated files name."""
PACKAGES = ("ca-certificates", "passwd", "python3", "python3-pip", "python3-venv", "wget")
PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
SERVER = "RESONATE_SERVER"
# Nothing reads these in a container.
_NOT_NEEDED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists")


class CannotMake(Exception):
    """An image is not here, and cannot be made. The message says what is missing."""


def provide(engine: ContainerEngine, images: Iterable[str], *, make: bool, say: Callable[[str], None]) -> None:
    """See that images are here: they are, or are pulled, or are made. ``make``: do not try to pull.

    Raises:
        CannotMake: one of them is not here in the end.
    """
    for image in images:
        if engine.has_image(image) or (not make and engine.pull(image)):
            continue
        maker = _MAKERS.get(image)
        if maker is None:
            raise CannotMake(f"{image} is not here and cannot be pulled, and how it is made is not known")
        maker(engine, image, partial(say, f"{image} is not here: it is made"))


def mirror(apt: Path = Path("/etc/apt")) -> str | None:
    """Where this Debian gets its own packages from, by its lists of sources; None where they name no such place."""
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if not path.is_file() or path.suffix not in (".list", ".sources"):
            continue
        text = re.sub(r"(?m)^\s*#.*\n?", "", path.read_text("utf-8"))
        if path.suffix == ".list":
            lines = re.findall(r"(?m)^deb\s+(?:\[[^]]*\]\s+)?(\S+)\s+(\S+)\s+(.+)$", text)
        else:
            stanzas = (dict(re.findall(r"(?m)^([\w-]+):\s*(.+)$", part)) for part in text.split("\n\n"))
            fields = ("URIs", "Suites", "Components")
            lines = [tuple(stanza.get(field, "") for field in fields) for stanza in stanzas]
        for address, _suites, components in lines:
            # Debian's main archive, and neither its security updates nor a repository of somebody else's.
            if "main" in components.split() and address and re.search(r"/debian/?(\s|$)", f"{address} "):
                return str(address.split()[0])
    return None


def _python(engine: ContainerEngine, image: str, begin: Callable[[], None]) -> None:
    if os.name == "nt" or os.geteuid() != 0:
        raise CannotMake(f"{image} is not here and cannot be pulled; only root can make it")
    program, source = shutil.which("debootstrap"), mirror()
    if program is None or source is None:
        missing = "debootstrap is not installed" if program is None else "no list of apt names a Debian mirror"
        raise CannotMake(f"{image} is not here and cannot be pulled, and is not made: {missing}")
    begin()
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        root = Path(scratch, "root")
        command = [program, "--variant=minbase", f"--include={','.join(PACKAGES)}", RELEASE, str(root), source]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=False)
            if done.returncode:
                raise CannotMake(f"`{' '.join(command)}` failed:\n{(done.stdout + done.stderr)[-2000:]}")
            _shape(root)
            _import(engine, root, image)
        finally:
            _unmount_below(root)


def _shape(root: Path) -> None:
    """Make of a Debian what the published image of Python is to a Dockerfile."""
    (root / "usr/bin/python").symlink_to("python3")
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()  # Debian asks pip to leave its packages alone.
    for compiled in root.glob("usr/lib/python3*/**/*.pyc"):
        compiled.unlink()  # The published image has none.
    for path in _NOT_NEEDED:
        shutil.rmtree(root / path, ignore_errors=True)
    (root / "var/cache/apt/archives/partial").mkdir(parents=True)
    # Where this machine trusts an authority that Debian does not, what is built on it has to do so, too.
    if Path("/", AUTHORITIES).is_file():
        shutil.copyfile(Path("/", AUTHORITIES), root / AUTHORITIES)


def _import(engine: ContainerEngine, root: Path, image: str) -> None:
    authorities = f"/{AUTHORITIES}"
    variables = {"PATH": PATH, "LANG": "C.UTF-8", "PIP_CERT": authorities, "SSL_CERT_FILE": authorities}
    changes = [f"--change=ENV {name}={value}" for name, value in variables.items()]
    archive = root.with_suffix(".tar")
    subprocess.run(["tar", "-C", root, "-cf", archive, "."], check=True, timeout=600)
    engine("import", *changes, "--change=CMD python3", archive, image, timeout=600)


def _unmount_below(root: Path) -> None:
    """Take away what debootstrap has mounted and not unmounted, before the directory is removed."""
    mounted = [line.split()[1] for line in Path("/proc/mounts").read_text("utf-8").splitlines()]
    for place in sorted((place for place in mounted if place.startswith(f"{root}/")), reverse=True):
        subprocess.run(["umount", "--lazy", place], check=True, timeout=60)


def _on_python(engine: ContainerEngine, image: str, files: dict[str, str | Path], dockerfile: str) -> None:
    """Build an image on the one of Python. ``files``: their text, or where they are, by name."""
    with tempfile.TemporaryDirectory(prefix="image-") as scratch:
        for name, content in files.items():
            target = Path(scratch, name)
            if isinstance(content, Path):
                shutil.copyfile(content, target)
            else:
                target.write_text(content, "utf-8")
            target.chmod(0o755)
        Path(scratch, "Dockerfile").write_text(dockerfile, "utf-8")
        engine.build(Path(scratch), image)


def _postgres(engine: ContainerEngine, image: str, begin: Callable[[], None]) -> None:
    begin()
    _on_python(engine, image, {"entrypoint": POSTGRES_ENTRYPOINT}, POSTGRES)


def _resonate(engine: ContainerEngine, image: str, begin: Callable[[], None]) -> None:
    binary = os.environ.get(SERVER)
    if not binary or not Path(binary).is_file():
        raise CannotMake(f"{image} is not here and cannot be pulled, and {SERVER} names no binary of the server")
    begin()
    _on_python(engine, image, {"resonate-server": Path(binary)}, RESONATE)


POSTGRES = """\
FROM python:3.13-slim
RUN mkdir -p /etc/postgresql-common \\
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \\
    && apt-get update \\
    && apt-get install -y --no-install-recommends postgresql-17 \\
    && rm -rf /var/lib/apt/lists/* /var/cache/apt
ENV PATH=/usr/lib/postgresql/17/bin:$PATH
COPY entrypoint /usr/local/bin/entrypoint
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["entrypoint"]
"""
POSTGRES_ENTRYPOINT = """\
#!/bin/sh
# A database cluster of POSTGRES_USER with POSTGRES_DB, made at the first start.
set -eu
data=/var/lib/postgresql/data
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$data"
    chown postgres: "$data"
    chmod 700 "$data"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi
if [ ! -s "$data/PG_VERSION" ]; then
    umask 077
    printf '%s\\n' "$POSTGRES_PASSWORD" > /tmp/password
    initdb -D "$data" -U "$POSTGRES_USER" --pwfile=/tmp/password -E UTF8 --locale=C.UTF-8 -A scram-sha-256 > /dev/null
    rm /tmp/password
    echo 'host all all all scram-sha-256' >> "$data/pg_hba.conf"
    echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$data" postgres > /dev/null
fi
exec postgres -D "$data" -c listen_addresses='*'
"""
RESONATE = """\
FROM python:3.13-slim
COPY resonate-server /usr/local/bin/resonate-server
EXPOSE 8001
ENTRYPOINT ["resonate-server"]
CMD ["serve"]
"""
# Each calls what it is given once it knows that it can.
_MAKERS: dict[str, Callable[[ContainerEngine, str, Callable[[], None]], None]] = {
    "python:3.13-slim": _python,
    "postgres:17-alpine": _postgres,
    "resonatehqio/resonate:v0.9.8": _resonate,
}
