"""Scenarios: what happens in a rehearsal, what must hold, and what a reader should know of it.

scenario = chosen(["day", "zone-loss"], assumptions.scenarios)
stage = Stage(world, traffic, cloud)
play(scenario, stage)
world.run_for(scenario.seconds)
evidence = evidence_of(scenario, stage)
verdicts, found = judge(evidence), findings(evidence)
"""

from kiban.rehearsal.scenarios.evidence import Evidence, evidence_of
from kiban.rehearsal.scenarios.findings import findings
from kiban.rehearsal.scenarios.happenings import happenings
from kiban.rehearsal.scenarios.judging import judge
from kiban.rehearsal.scenarios.language import chosen, known_scenarios
from kiban.rehearsal.scenarios.playing import load_plan, models_for, play
from kiban.rehearsal.scenarios.scenario import Act, Scenario, together
from kiban.rehearsal.scenarios.stage import Stage

__all__ = [
    "Act",
    "Evidence",
    "Scenario",
    "Stage",
    "chosen",
    "evidence_of",
    "findings",
    "happenings",
    "judge",
    "known_scenarios",
    "load_plan",
    "models_for",
    "play",
    "together",
]
