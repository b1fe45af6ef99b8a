# file: loans/runtime/durable/rpc.py (shared)
# file: loans/runtime/durable/gate.py (shared)
# file: loans/runtime/engine/client.py (shared)
# file: loans/contracts/workflows/word.py
from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class Word(BaseModel):
    yes: bool


word = Gate("word", Word)
# file: loans/runtime/http/webhooks.py
import hashlib
import hmac
from typing import Annotated

from fastapi import Depends, HTTPException, Request


async def read_signed_body(request: Request) -> bytes:
    body = await request.body()
    expected = hmac.new(request.app.state.secret, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        raise HTTPException(401)
    return body


SignedBody = Annotated[bytes, Depends(read_signed_body)]
# file: loans/api/words.py
from fastapi import APIRouter, Request

from ..contracts.workflows.word import Word, word
from ..runtime.engine.client import EngineClient
from ..runtime.http.webhooks import SignedBody

router = APIRouter(prefix="/webhooks/words")


@router.post("/{id}")
async def take_word(id: str, body: SignedBody, request: Request) -> Word:
    client: EngineClient = request.app.state.client
    return await word.deliver(client, id, Word.model_validate_json(body))
