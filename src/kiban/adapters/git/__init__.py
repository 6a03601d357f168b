"""The platform repo in Git: read at a commit, followed, and edited by commits of one file."""

from kiban.adapters.git.opening import is_url, open_repository
from kiban.adapters.git.repository import CommitFiles, GitRepository, LogEntry

__all__ = ["CommitFiles", "GitRepository", "LogEntry", "is_url", "open_repository"]
