import json

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field
from resonate.resonate import Resonate
from resonate.types import Value

from auth import verify_token

router = APIRouter(prefix="/drills", dependencies=[Depends(verify_token)])


class Problem(BaseModel):
    code: int
    reason: str = Field(max_length=200)


@router.post("/{drill}/broken")
async def broken(drill: int, problem: Problem, request: Request) -> None:
    resonate: Resonate = request.app.state.resonate
    error = RuntimeError(f"broken: {problem.reason}")
    await resonate.promises.reject(f"drill/{drill}", Value(data=error))  # want: RS407


@router.post("/{drill}/lost")
async def lost(drill: int, request: Request) -> None:
    resonate: Resonate = request.app.state.resonate
    body = await request.json()
    message = body.get("message", "").strip()[:200]
    await resonate.promises.reject(f"drill/{drill}", Value(data=json.dumps({"error": message})))  # want: RS407


@router.post("/{drill}/dull")
async def dull(drill: int, problem: Problem, request: Request) -> None:
    # A number, and a text of our own that the request only chooses.
    resonate: Resonate = request.app.state.resonate
    data = {"code": problem.code, "message": "worn" if problem.reason else "unknown"}
    await resonate.promises.reject(f"drill/{drill}", Value(data=data))
