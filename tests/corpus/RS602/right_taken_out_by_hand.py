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
# file: .resonate-scaffold/adds/0001-group-mail.json
{
  "kind": "group",
  "name": "mail",
  "options": {},
  "files": {},
  "edits": {}
}
# file: Procfile
api: python -m shop api
worker: python -m shop worker
