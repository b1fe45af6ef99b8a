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
GROUPS = ["post"]
# file: shop/workflows/__init__.py
# file: shop/workflows/worker.py
GROUP = "workers"
# file: shop/post/__init__.py
# file: shop/post/worker.py
GROUP = "post"
# file: Procfile
api: python -m shop api # want: RS602
worker: python -m shop worker
mail: python -m shop group mail # want: RS602
