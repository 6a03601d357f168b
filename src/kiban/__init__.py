"""Kiban: an application platform compiled, rehearsed, delivered and operated from one Git repository."""

__version__ = "0.1.0"
