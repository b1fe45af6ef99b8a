# file: approvals/client.py
from resonate.resonate import Resonate


def connect() -> Resonate:
    return Resonate.local(ttl=60)  # want: RS502
# file: approvals/decide.py
import json

from approvals.client import connect


def approve(request: str) -> None:
    promises = connect().promises
    promises.resolve(id=f"approval/{request}", ikey=request, data=json.dumps(True))  # want: RS502


def refuse(request: str, why: str) -> None:
    client = connect()
    client.promises.resolve(  # want: RS502
        id=f"approval/{request}",
        data=json.dumps({"refused": why}),
        strict=True,
    )
