"""The command line: a thin face of `operations`. It reads arguments, calls the wiring, renders."""

from kiban.cli.main import main

__all__ = ["main"]
