"""`export`: the contracts of a service for other teams, whatever language they write in."""
