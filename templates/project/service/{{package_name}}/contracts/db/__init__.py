"""What group `db` serves."""
