# file: .resonate-scaffold.json
{"tool": "resonate-scaffold"
# file: shop/__init__.py
# file: shop/__main__.py
GROUPS = ["mail"]
# file: shop/mail/__init__.py
# file: shop/mail/worker.py
GROUP = "mail"
# file: Procfile
api: python -m shop api
