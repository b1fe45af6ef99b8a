# file: services/orders/.resonate-scaffold.json
{
  "tool": "resonate-scaffold",
  "version": "0.2.0",
  "template": {
    "name": "service"
  },
  "answers": {
    "package_name": "store",
    "project_name": "orders"
  },
  "runtime": "d92c6a81b2ff50096bcda80885427d1f59a25b5f483f7055523504925d16ab23",
  "files": {
    "store/runtime/__init__.py": "73d5322e78821a787950380b866adc8e1f7583ed1d2cadf3e42e8006d13b8e1f",
    "store/runtime/testing/plugin.py": "2ddcbdd65980c8e9c551c820da0c0c48baf2e181abaef677f6881f7f152f2e8e"
  }
}
# file: services/orders/store/runtime/__init__.py
"""Machinery."""
# file: services/orders/store/runtime/testing/plugin.py
"""Fixtures."""  # want: RS601

TIMEOUT = 60
# file: services/mail/.resonate-scaffold.json
{
  "tool": "resonate-scaffold",
  "version": "0.2.0",
  "template": {
    "name": "service"
  },
  "answers": {
    "package_name": "mail",
    "project_name": "mail"
  },
  "runtime": "d92c6a81b2ff50096bcda80885427d1f59a25b5f483f7055523504925d16ab23",
  "files": {
    "mail/runtime/__init__.py": "73d5322e78821a787950380b866adc8e1f7583ed1d2cadf3e42e8006d13b8e1f"
  }
}
# file: services/mail/mail/runtime/__init__.py
"""Machinery."""
# file: mail/runtime/extra.py
"""Another program's, beside the services."""
