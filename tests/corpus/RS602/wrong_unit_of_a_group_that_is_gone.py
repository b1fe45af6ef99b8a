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
# file: deploy/systemd/shop.target
[Unit]
Wants=shop-api.service shop-mail.service
# file: deploy/systemd/shop-api.service
[Service]
ExecStart=/opt/shop/venv/bin/python -m shop api
# file: deploy/systemd/shop-mail.service
[Service]
ExecStart=/opt/shop/venv/bin/python -m shop group mail # want: RS602
