"""What group `payments.db` serves."""
