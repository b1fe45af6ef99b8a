"""Clients of HTTP APIs of others: one file an API, for steps to call. Groups list them in DEPENDENCIES."""
