"""Scenarios: what happens in a rehearsal, what must hold, and what a reader should know of it."""

from kiban.rehearsal.scenarios.language import chosen, known_scenarios
from kiban.rehearsal.scenarios.scenario import Act, Scenario, together

__all__ = ["Act", "Scenario", "chosen", "known_scenarios", "together"]
