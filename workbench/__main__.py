"""`python -m workbench` is `loopai`."""

from workbench.cli import main

main()
