"""The machinery of the service. `README.md` beside this file says what is in here; `upgrade` renews all of it."""
