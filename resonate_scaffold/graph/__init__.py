"""``graph``: a service drawn from its code, for a terminal, a document, a browser, or a program."""
