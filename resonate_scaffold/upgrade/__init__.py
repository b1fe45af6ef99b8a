"""Bring a service to this version of the tool: rebuild what it was made as, make it anew, merge, report."""
