"""What group `e-mail` serves."""
