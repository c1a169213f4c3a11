"""`python -m optunas` is the command `optunas`."""

from optunas.cli import main

main()
