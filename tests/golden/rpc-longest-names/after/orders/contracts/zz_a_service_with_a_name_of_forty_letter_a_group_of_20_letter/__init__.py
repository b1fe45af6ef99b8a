"""What group `zz-a-service-with-a-name-of-forty-letter.a-group-of-20-letter` serves."""
