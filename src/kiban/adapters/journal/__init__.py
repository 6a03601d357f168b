"""The journal: append-only records of every plan, step, gate and event, and the leases that say
who may act. In a SQLite file for one machine, in PostgreSQL for a team."""

from kiban.adapters.journal.reading import JournalReader
from kiban.adapters.journal.writing import Journal

__all__ = ["Journal", "JournalReader"]
