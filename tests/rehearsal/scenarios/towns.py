"""A small platform that is rehearsed for a few minutes of its day."""

import numpy as np

from kiban.rehearsal.running import Case, prepared, staged
from kiban.rehearsal.scenarios import Evidence, Stage, evidence_of, play
from kiban.rehearsal.series import Series

PLATFORM = """\
platform: shop
clusters:
  main:
    zones: [zone1a, zone1b]
    nodes:
      base: {instance: m5.large, min: 2, max: 6}
      spot: {instance: m5.large, min: 2, max: 6, spot: true}
environments:
  prod: {cluster: main, domain: shop.example.com}
resources: {main: postgres}
defaults: {image: "registry.example/any:1", resources: {cpu: 200m, memory: 128Mi}, drain: 3s}
"""
WEB = """\
port: 8080
health: /healthz
routes: {public: /}
scale: {min: 4, max: 12, cpu: 60%}
uses: {api: service, hints: {type: service, optional: true}}
slo: {availability: 99.9%, latency: {p99: 400ms}}
spot: 50%
"""
API = """\
port: 8080
health: /healthz
scale: 3
uses: {main: resource}
slo: {availability: 99.9%}
"""
TIDY = 'job: tidy\nschedule: "*/7 * * * *"\n'
REHEARSAL = """\
services:
  web: {peak: 60/s}
  tidy: {run: 20s}
scenarios:
  quiet: {from: 12:00, duration: 5m, expect: {errorBudget: 10%, latency: true, pending: 1m}}
  SCENARIO
"""


def files(scenario: str = "{duration: 1m}", **changes: str) -> dict[str, str]:
    """The repo, with one more scenario named `played`; `web` and the like replace a service."""
    found = {
        "platform.yaml": PLATFORM,
        "rehearsal.yaml": REHEARSAL.replace("SCENARIO", f"played: {scenario}"),
        "services/web.yaml": WEB,
        "services/api.yaml": API,
        "services/hints.yaml": "port: 8080\nhealth: /healthz\nscale: 2\n",
        "services/tidy.yaml": TIDY,
    }
    names = {"platform": "platform.yaml", "rehearsal": "rehearsal.yaml"}
    return found | {names.get(k, f"services/{k}.yaml"): text for k, text in changes.items()}


def played(scenario: str, seed: int = 1, **changes: str) -> tuple[Evidence, Stage]:
    """Play one scenario and look at what is left."""
    ready = prepared(Case(files(scenario, **changes), "prod", ("played",)))
    stage = staged(ready, seed)
    play(ready.scenario, stage)
    stage.world.run_for(ready.scenario.seconds)
    return evidence_of(ready.scenario, stage), stage


def series(figures: dict[str, dict[str, list[float]]], step: float = 15.0) -> Series:
    """Curves by figure and service, one value every `step` seconds from 0 on."""
    services = sorted({name for curves in figures.values() for name in curves})
    found = Series(services)
    for figure, curves in figures.items():
        length = max(len(values) for values in curves.values())
        for index in range(length):
            row = [curves.get(name, [0.0] * length)[index] for name in services]
            found.add(index * step, figure, np.array(row))
    return found
