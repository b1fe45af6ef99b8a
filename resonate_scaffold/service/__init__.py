"""One generated service, read through `code/`: contracts, gates, keys, routes, callers."""
