"""`python -m runtime` is `loopai-runtime`."""

from runtime.cli import main

main()
