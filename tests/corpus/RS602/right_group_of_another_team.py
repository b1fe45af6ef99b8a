# file: .resonate-scaffold.json
{
  "tool": "resonate-scaffold",
  "version": "0.2.0",
  "template": {
    "name": "builtin"
  },
  "answers": {
    "package_name": "shop",
    "project_name": "shop"
  },
  "files": {}
}
# file: shop/__init__.py
# file: shop/__main__.py
GROUPS = []
# file: shop/workflows/__init__.py
# file: shop/workflows/worker.py
GROUP = "workers"
# file: shop/runtime/durable/rpc.py (shared)
# file: shop/runtime/engine/client.py (shared)
# file: shop/contracts/__init__.py
# file: shop/contracts/bank/__init__.py
# file: shop/contracts/bank/pay.py
from pydantic import BaseModel

from ...runtime.durable.rpc import Rpc


class Payment(BaseModel):
    cents: int


pay = Rpc(name="pay", group="bank", request=Payment, result=Payment)
# file: Procfile
api: python -m shop api
worker: python -m shop worker
# file: Procfile.dev
fake-bank: python -m shop fake bank
# file: compose.yaml
services:
  api:
    command: [api]
  bank:
    image: bank:1
    command: [group, bank]
