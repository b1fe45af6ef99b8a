# file: loans/runtime/durable/rpc.py (shared)
# file: loans/runtime/durable/gate.py (shared)
# file: loans/runtime/engine/client.py (shared)
# file: loans/contracts/workflows/word.py
from pydantic import BaseModel

from ...runtime.durable.gate import Gate


class Word(BaseModel):
    yes: bool


word = Gate("word", Word)
# file: loans/api/words.py
from fastapi import APIRouter, Request

from ..contracts.workflows.word import Word, word
from ..runtime.engine.client import EngineClient

router = APIRouter(prefix="/webhooks/words")


@router.post("/{id}")
async def take_word(id: str, body: Word, request: Request) -> Word:  # want: RS406
    client: EngineClient = request.app.state.client
    return await word.deliver(client, id, body)
