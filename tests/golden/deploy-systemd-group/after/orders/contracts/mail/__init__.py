"""What group `mail` serves."""
