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
# file: compose.yaml
services:
  resonate:
    image: resonatehqio/resonate:v0.9.8
    command: [serve]
  db:
    image: postgres:17-alpine
