"""One module a noun: each a pure function from a request (and a project) to a plan."""
