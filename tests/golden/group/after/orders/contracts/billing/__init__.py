"""What group `billing` serves."""
