"""The signature is compared when the promise is settled already."""

import hashlib
import hmac
import os

from fastapi import FastAPI, Header, HTTPException, Request
from resonate.resonate import Resonate
from resonate.types import Value

app = FastAPI()
SECRET = os.environ["WEBHOOK_SECRET"].encode()


@app.post("/payments/{payment}/webhook")
async def paid(payment: str, request: Request, x_signature: str = Header()) -> dict[str, bool]:
    resonate: Resonate = request.app.state.resonate
    body = await request.body()
    expected = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    await resonate.promises.resolve(f"paid/{payment}", Value(data={"paid": True}))  # want: RS406
    if not hmac.compare_digest(expected, x_signature):
        raise HTTPException(401)
    return {"ok": True}
