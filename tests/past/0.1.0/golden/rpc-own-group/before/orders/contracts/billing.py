"""What group `billing` serves. Any process may use it: contracts import `rpc` and `gate`, and each other."""
