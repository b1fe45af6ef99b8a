from fastapi import APIRouter, Request
from pydantic import BaseModel
from resonate.resonate import Resonate
from resonate.types import Value

router = APIRouter(prefix="/webhooks/signatures")


class Signed(BaseModel):
    contract: str
    signer: str


@router.post("")
async def contract_signed(event: Signed, request: Request) -> dict[str, str]:  # want: RS406
    resonate: Resonate = request.app.state.resonate
    record = await resonate.promises.resolve(f"contract/{event.contract}", Value(data={"signer": event.signer}))
    return {"state": record.state}
