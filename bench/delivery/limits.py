"""As many open files as this machine allows: 26 clusters are some 1,400 connections."""

import resource


def open_files_at_most() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
