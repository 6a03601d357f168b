"""Kiban: an application platform, compiled, checked and delivered from one Git repository."""

__version__ = "0.1.0"
