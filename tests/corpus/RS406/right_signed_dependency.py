# file: hooks/__init__.py
# file: hooks/signing.py
import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, HTTPException, Request


async def checked_body(request: Request) -> bytes:
    body = await request.body()
    expected = hmac.new(request.app.state.secret, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        raise HTTPException(401)
    return body


CheckedBody = Annotated[bytes, Depends(checked_body)]

# file: hooks/routes.py
from fastapi import APIRouter, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value

from .signing import CheckedBody

router = APIRouter(prefix="/hooks/lab")


class Sample(BaseModel):
    sample: int
    positive: bool


@router.post("")
async def analysed(body: CheckedBody, request: Request) -> dict[str, str]:
    sample = Sample.model_validate_json(body)
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.resolve(f"sample/{sample.sample}", Value(data={"positive": sample.positive}))
    return {"state": record.state}
