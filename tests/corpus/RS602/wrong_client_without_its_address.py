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
# file: shop/runtime/durable/http_api.py
class HttpApi:
    """An HTTP API of somebody else."""


class OpenHttpApi:
    """Opens one."""

    def __init__(self, api: type[HttpApi]) -> None:
        self.api = api


# file: shop/clients/__init__.py
# file: shop/clients/payments.py
from ..runtime.durable.http_api import HttpApi


class Payments(HttpApi):
    """The provider of payments."""


# file: shop/workflows/__init__.py
# file: shop/workflows/worker.py
from ..clients.payments import Payments
from ..runtime.durable.http_api import OpenHttpApi

GROUP = "workers"
DEPENDENCIES = [OpenHttpApi(Payments)]
# file: deploy/kubernetes/base/kustomization.yaml
resources: [api.yaml, groups/workers.yaml] # want: RS602
# file: deploy/kubernetes/base/api.yaml
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: api
          args: [api]
# file: deploy/kubernetes/base/groups/workers.yaml
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: workers
          args: [worker]
