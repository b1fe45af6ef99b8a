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
    "shop/api/app.py": "7bd9151b790e622f3ffa9dd514db0310e3b1dffc3150e3c03fb6f87919caf1e2",
    "shop/runtime/durable/rpc.py": "14fcfd2c3a6e054f4421b70e2364e089d6d201f64a8de4e90a26dd8e0e1b270e",
    "shop/runtime/http/limits.py": "0d13eb7e1eb66841becd1bfc3c4acb06a7db73cad42b3122366c35b0dfd6fe63",
    "shop/runtime/settings.py": "d84b74d8e5ee95325cfb8bc956dc85726f06e3e3e40b2384514fc3d659f06230",
    "shop/settings.py": "a422e760d9b9f5e22e3af983ef1065568b7f268b43a24c23b80d64de26a1d08c"
  }
}
# file: store/settings.py
"""The settings that this service adds."""

CURRENCY = "EUR"
# file: store/runtime/durable/rpc.py
"""Contracts, and the functions that fulfil them."""

NO_VALUE = "unknown error: null"
# file: store/runtime/http/limits.py
"""Bounds of what a request may hold."""

MAX_BODY = 1024 * 1024
"""Bytes."""
# file: store/runtime/settings.py
"""The settings that every service has."""

SYNC_WAIT = 5.0
"""Seconds that a route waits."""
