"""Things with a version over HTTP: `ETag`, `If-Match` and `If-None-Match` (RFC 9110, 13), and 428 (RFC 6585).

An ETag is the version in quotes, which the body has as `version`, too: a client that has read a list changes what is in
it without reading it again.
"""

import re
from typing import Protocol
from uuid import UUID

from fastapi import Request, Response

from .problems import Problem, not_found

_TAG = re.compile(r'(?:W/)?("[!#-~\x80-\xff]*")')
_IF_MATCH = re.compile(rf"\*|{_TAG.pattern}")
_VERSION = re.compile(r'"([0-9]{1,18})"')


class Versioned(Protocol):
    """What has an id and a version."""

    @property
    def id(self) -> UUID:
        """It is its own."""

    @property
    def version(self) -> int:
        """It is another after each change."""


def show[R: Versioned](found: R | None, request: Request, response: Response) -> R | Response:
    """What a GET answers: the thing with its ETag, 304 where the client has it, 404 for None."""
    if found is None:
        raise not_found()
    response.headers["ETag"] = tag = _tag(found)
    given = ",".join(request.headers.getlist("if-none-match"))
    if given.strip() == "*" or tag in _TAG.findall(given):
        return Response(status_code=304, headers={"ETag": tag})
    return found


def expected_version(request: Request, *, required: bool = False) -> int | None:
    """The version that `If-Match` asks for; None for `*`, and without the header where it is not ``required``.

    Problems: 428 where it is missing, 400 where it is none, 412 for a tag that no version has.
    """
    given = request.headers.getlist("if-match")
    if not given and required:
        detail = "Say in If-Match which version is to be changed: the ETag with which it was answered."
        raise Problem(428, "precondition-required", detail)
    if not given or given == ["*"]:
        return None
    if len(given) > 1 or not _IF_MATCH.fullmatch(given[0]):
        raise Problem(400, "invalid-if-match", "If-Match must be given once, and be one ETag as it was answered, or *.")
    version = _VERSION.fullmatch(given[0])
    if version is None:
        raise Problem(412, "precondition-failed", "No version has this ETag.")
    return int(version[1])


def answer[R: Versioned](done: R | Response, response: Response, below: str | None = None) -> R | Response:
    """The thing that was changed, with its ETag; a response, such as a 202, as it is.

    ``below`` is for one that was created: the path that its `Location` is below.
    """
    if not isinstance(done, Response):
        response.headers["ETag"] = _tag(done)
        del response.headers["Location"]
        if below is not None:
            response.headers["Location"] = f"{below}/{done.id}"
    return done


def answer_nothing(done: object, response: Response) -> Response:
    """204 for what was deleted; a response, such as a 202, as it is."""
    if isinstance(done, Response):
        return done
    del response.headers["Location"]
    return Response(status_code=204, headers=dict(response.headers))


def _tag(thing: Versioned) -> str:
    return f'"{thing.version}"'
