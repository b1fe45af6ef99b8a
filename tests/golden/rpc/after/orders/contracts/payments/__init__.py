"""What group `payments` serves."""
