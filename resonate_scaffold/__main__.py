"""`python -m resonate_scaffold` is the console command."""

from resonate_scaffold.cli import main

main()
