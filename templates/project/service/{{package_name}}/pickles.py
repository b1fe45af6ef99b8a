"""What a worker unpickles: this service's `Failure` and Python's own exceptions, and nothing else.

The SDK records an exception with its pickle, and whoever awaits the call unpickles it. Without this, whoever can write
to the engine (another team's group, say) could run code in every process that awaits the result.
"""

import base64
import builtins
import io
import pickle
from typing import Any

import msgspec

from .rpc import Failure

_KEY = "__py_pickle"


class SafeErrors:
    """For `Resonate(encryptor=…)`, through which every value passes: drops a pickle that is anything else.

    Such an exception arrives as the SDK's `ApplicationError` with its message, as one from another language does.
    """

    def encrypt(self, data: bytes) -> bytes:
        """What is written stays as it is."""
        return data

    def decrypt(self, data: bytes) -> bytes:
        """What is read, without a pickle that may not be opened."""
        if _KEY.encode() not in data and b"\\u" not in data:  # An escape can spell the name.
            return data
        value = msgspec.json.decode(data)
        if not isinstance(value, dict) or _KEY not in value:
            return data
        if not _is_safe(value[_KEY]):
            del value[_KEY]
        return msgspec.json.encode(value)


def _is_safe(pickled: Any) -> bool:
    try:
        return isinstance(_Exceptions(io.BytesIO(base64.b64decode(pickled, validate=True))).load(), Exception)
    except Exception:  # Whatever is wrong with it: it may raise anything, and is not opened again.
        return False


class _Exceptions(pickle.Unpickler):
    """Finds no classes but those of exceptions that are known to do nothing when they are made."""

    def find_class(self, module: str, name: str) -> Any:
        found = Failure if (module, name) == (Failure.__module__, Failure.__qualname__) else None
        if module == "builtins" and "." not in name:
            found = getattr(builtins, name, None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no exception that may be unpickled")
