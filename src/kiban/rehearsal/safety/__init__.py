"""Safety in short seeded runs: random faults, rules that must hold throughout, rest at the end."""

from kiban.rehearsal.safety.runs import Outcome, run
from kiban.rehearsal.safety.trial import Trial, Violation

__all__ = ["Outcome", "Trial", "Violation", "run"]
