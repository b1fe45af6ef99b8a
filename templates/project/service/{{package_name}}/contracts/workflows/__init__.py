"""What group `workers` serves, and the gates at which its workflows wait."""
