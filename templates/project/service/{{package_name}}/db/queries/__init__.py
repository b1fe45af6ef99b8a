"""What the API reads without starting work: one query a file, on a session in which the database refuses to write."""
