"""Looked at first, in several ways; what is compared afterwards is something else."""

import hmac
import os

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from resonate.resonate import Resonate
from resonate.types import Value

app = FastAPI()
SECRET = os.environ["WEBHOOK_SECRET"].encode()


def verify(body: bytes, signature: str) -> None:
    if not hmac.compare_digest(hmac.digest(SECRET, body, "sha256").hex(), signature):
        raise HTTPException(401)


def signed(x_signature: str = Header()) -> None:
    verify(b"", x_signature)


@app.post("/payments/{payment}/webhook")
async def paid(payment: str, request: Request, x_signature: str = Header()) -> dict[str, bool]:
    resonate: Resonate = request.app.state.resonate
    verify(await request.body(), x_signature)
    record = await resonate.promises.resolve(f"paid/{payment}", Value(data={"paid": True}))
    if not hmac.compare_digest(record.id, payment):
        raise HTTPException(409)
    return {"ok": True}


@app.post("/refunds/{refund}/webhook")
async def refunded(refund: str, request: Request, x_signature: str = Header()) -> dict[str, bool]:
    resonate: Resonate = request.app.state.resonate
    if x_signature != os.environ["SIMPLE_SIGNATURE"]:
        raise HTTPException(401)
    await resonate.promises.resolve(f"refunded/{refund}", Value(data={"paid": True}))
    return {"verified": hmac.compare_digest(x_signature, refund)}


@app.post("/returns/{item}/webhook", dependencies=[Depends(signed)])
async def returned(item: str, request: Request, x_receipt: str = Header()) -> bool:
    resonate: Resonate = request.app.state.resonate
    await resonate.promises.resolve(f"returned/{item}", Value(data={"paid": True}))
    return hmac.compare_digest(x_receipt, item)
