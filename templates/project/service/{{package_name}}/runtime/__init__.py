"""The machinery of the service. `README.md` beside this file says what is in here; a later version of the tool renews all of it."""
