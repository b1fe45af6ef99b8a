"""The trees here are what the tests compare with: the tests in them are those of services."""

collect_ignore_glob = ["*"]
