"""What group `payments.workers` serves."""
