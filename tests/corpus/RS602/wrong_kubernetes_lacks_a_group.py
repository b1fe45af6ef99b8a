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
GROUPS = ["mail"]
# file: shop/workflows/__init__.py
# file: shop/workflows/worker.py
GROUP = "workers"
# file: shop/mail/__init__.py
# file: shop/mail/worker.py
GROUP = "mail"
# file: Procfile
api: python -m shop api
mail: python -m shop group mail
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
