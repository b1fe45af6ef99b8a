"""The connection to the Resonate engine, and the worker processes."""
