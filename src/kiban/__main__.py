"""`python -m kiban` is `kiban`."""

from kiban.cli import main

main()
