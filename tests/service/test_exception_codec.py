"""`engine.exception_codec`: no pickle is opened but those of harmless exceptions."""

import base64
import json
import pickle
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel
from resonate.context import Context
from resonate.retry import Never
from shop.runtime.durable.rpc import Rpc, serve
from shop.runtime.engine.exception_codec import ExceptionCodec
from shop.runtime.errors import Failure
from shop.runtime.testing.running import StartService

from .pickles import Bomb, plant


class Note(BaseModel):
    text: str = ""


class Private(Exception):
    """An exception of this process alone."""


wait = Rpc(name="wait", group="tests", request=Note, result=Note)
trip = Rpc(name="trip", group="tests", request=Note, result=Note)
RAISED = {"failure": Failure("a"), "builtin": ValueError("b"), "private": Private("c")}


@serve(wait)
async def wait_for_promise(ctx: Context, _: Note) -> Note:
    """Report what came of a promise that somebody else settles."""
    try:
        await ctx.promise(timeout=timedelta(seconds=60))
    except Exception as error:  # noqa: BLE001
        return Note(text=f"{type(error).__name__}: {error}")
    return Note(text="resolved")


@serve(trip)
async def report_exception(ctx: Context, note: Note) -> Note:
    """Report as what the exception of a step arrives."""

    async def step(_: Context) -> None:
        raise RAISED[note.text]

    try:
        await ctx.options(retry_policy=Never()).run(step)
    except Exception as error:  # noqa: BLE001
        return Note(text=f"{type(error).__name__}: {error}")
    return note


@pytest.mark.parametrize("name", ["__py_pickle", "__py_\\u0070ickle"])
async def test_a_worker_opens_no_planted_pickle(start_service: StartService, tmp_path: Path, name: str) -> None:
    real, planted = Bomb(tmp_path / "real"), Bomb(tmp_path / "planted")
    pickle.loads(base64.b64decode(real.pickled))
    assert real.path.exists()
    async with start_service([wait_for_promise]) as service:
        await wait.start(service.client, "job/w", Note())
        await service.poll_until(lambda: service.client.find("job/w:1"), "the workflow waits")
        await plant(service, "job/w:1", planted, name)
        assert (await service.run(wait, "job/w", Note())).text == "ApplicationError: planted"
    assert not planted.path.exists()


async def test_known_exceptions_keep_their_kind(start_service: StartService) -> None:
    async with start_service([report_exception]) as service:
        seen = [(await service.run(trip, f"job/{kind}", Note(text=kind))).text for kind in RAISED]
    assert seen == ["Failure: a", "ValueError: b", "ApplicationError: c"]


def read(pickled: str) -> dict[str, str]:
    """What the codec leaves of a rejected promise's value."""
    value = json.dumps({"message": "m", "__py_pickle": pickled}).encode()
    read: dict[str, str] = json.loads(ExceptionCodec().decrypt(value))
    return read


class BuildsAnotherException:
    """Pickled as a call of something else than an exception."""

    def __reduce__(self) -> tuple[object, ...]:
        return getattr, (ValueError, "mro")


@pytest.mark.parametrize("error", [Failure("a"), ValueError("b"), KeyError("c"), OSError(2, "d")])
def test_pickles_that_are_kept(error: Exception) -> None:
    pickled = base64.b64encode(pickle.dumps(error)).decode()
    assert read(pickled) == {"message": "m", "__py_pickle": pickled}


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Private("a")),
        pickle.dumps("text"),
        pickle.dumps(BuildsAnotherException()),
        pickle.dumps(SystemExit(1)),
        b"cos\nsystem\n(S'true'\ntR.",
        b"cbuiltins\neval\n(S'1'\ntR.",
        b"not a pickle",
        b"",
    ],
    ids=["private", "no exception", "a call", "SystemExit", "os.system", "eval", "junk", "empty"],
)
def test_pickles_that_are_dropped(content: bytes) -> None:
    assert read(base64.b64encode(content).decode()) == {"message": "m"}
    assert read("not base64!") == {"message": "m"}


@pytest.mark.parametrize("function", ["eval", "exec"])
def test_no_function_of_python_is_called(tmp_path: Path, function: str) -> None:
    """Only its exceptions are."""
    code = f"open({str(tmp_path / 'planted')!r}, 'w')"
    content = f"cbuiltins\n{function}\n(S{code!r}\ntR.".encode()
    assert read(base64.b64encode(content).decode()) == {"message": "m"}
    assert not (tmp_path / "planted").exists()
    pickle.loads(content)  # It would have been.
    assert (tmp_path / "planted").exists()


@pytest.mark.parametrize("data", [b'{"message": "m"}', b'["__py_pickle"]', b'"\\u0041"', b"null", b"12"])
def test_other_values_stay_as_they_are(data: bytes) -> None:
    codec = ExceptionCodec()
    assert codec.decrypt(data) == data and codec.encrypt(data) == data
