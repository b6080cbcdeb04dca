"""``python -m nbflow.access`` is the shell."""

from nbflow.access.cli import main

main()
