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
web: shop api --port $PORT
all: env TZ=UTC python3 -m shop worker
post-office: uv run python -m shop group mail
# file: compose.yaml
services:
  api:
    command: shop api
  mail:
    command:
      - "python"
      - "-m"
      - "shop"
      - "group"
      - "mail"
# file: deploy/systemd/shop.target
[Unit]
Wants=everything.service
# file: deploy/systemd/everything.service
[Service]
ExecStart=/usr/bin/env python -m shop group mail
