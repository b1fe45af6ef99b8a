"""The example job beside the same job on DBOS and on Restate. Run it by `nox -s bench-peers`; see `__main__.py`."""
