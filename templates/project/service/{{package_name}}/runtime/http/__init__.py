"""HTTP: how routes start, await and answer durable work."""
