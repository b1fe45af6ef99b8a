"""What the groups say to each other: one file a durable function or gate. Any process may import them."""
