"""Unpickle only exceptions that are known to be harmless: `Failure` and Python's own.

The SDK records an exception together with its pickle, and whoever awaits the call unpickles it. Without this module,
anybody who can write to the engine (another team's group, say) could run code in every process that awaits the result.
"""

import base64
import builtins
import io
import pickle
from typing import Any

import msgspec

from ..errors import Failure

_KEY = "__py_pickle"


class ExceptionCodec:
    """For `Resonate(encryptor=…)`, through which every value passes: drops any other pickle before it is opened.

    Such an exception arrives as the SDK's `ApplicationError` with its message, as one from another language does.
    """

    def encrypt(self, data: bytes) -> bytes:
        """Write values as they are."""
        return data

    def decrypt(self, data: bytes) -> bytes:
        """Read a value, without a pickle that may not be opened."""
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
        return isinstance(_ExceptionUnpickler(io.BytesIO(base64.b64decode(pickled, validate=True))).load(), Exception)
    except Exception:  # Whatever is wrong with it: it may raise anything, and is not opened again.
        return False


class _ExceptionUnpickler(pickle.Unpickler):
    """Finds no classes but those of exceptions that do nothing when they are made."""

    def find_class(self, module: str, name: str) -> Any:
        found = Failure if (module, name) == (Failure.__module__, Failure.__qualname__) else None
        if module == "builtins" and "." not in name:
            found = getattr(builtins, name, None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
        raise pickle.UnpicklingError(f"{module}.{name} is no exception that may be unpickled")
