# file: atlas/__init__.py
# file: atlas/ids.py
import uuid


def public_id(key: str | None) -> str:
    return str(uuid.uuid4()) if key is None else key


def root(kind: str, public: str) -> str:
    return f"{kind}/{public}"


# file: atlas/dependencies.py
from dataclasses import dataclass

from fastapi import Request
from resonate.resonate import Resonate

from . import ids


@dataclass(frozen=True, slots=True)
class Submission:
    resonate: Resonate
    public: str


def submission_of(request: Request) -> Submission:
    return Submission(request.app.state.resonate, ids.public_id(request.headers.get("idempotency-key")))


# file: atlas/routes.py
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from . import ids
from .dependencies import submission_of

router = APIRouter(prefix="/surveys")


class SurveyAccepted(BaseModel):
    id: str
    status: str


@router.post("", status_code=202)
async def submit_survey(region: str, request: Request, response: Response) -> SurveyAccepted:
    asked = submission_of(request)
    root = ids.root("survey", asked.public)
    surveyors = asked.resonate.options(target="surveyors", timeout=timedelta(days=7))
    await surveyors.rpc(root, "survey", region).id()
    response.headers["Location"] = f"/surveys/{asked.public}"
    return SurveyAccepted(id=asked.public, status="running")
