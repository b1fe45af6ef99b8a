# file: .resonate-scaffold.json
{
  "tool": "resonate-scaffold",
  "version": "0.2.0",
  "template": {
    "name": "service"
  },
  "answers": {
    "package_name": "shop",
    "project_name": "shop"
  },
  "runtime": "d92c6a81b2ff50096bcda80885427d1f59a25b5f483f7055523504925d16ab23",
  "files": {
    "shop/runtime/settings.py": 7,
    "../elsewhere/runtime/x.py": "0"
  }
}
# file: shop/settings.py
"""The settings that this service adds."""

CURRENCY = "EUR"
# file: shop/runtime/settings.py
"""The settings that every service has."""

SYNC_WAIT = 5.0
"""Seconds that a route waits."""

MORE = 1
