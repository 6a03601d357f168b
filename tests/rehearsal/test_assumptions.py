"""What is taken for granted of services, and where each value comes from."""

import pytest

from kiban.primitives.problems import KibanError
from kiban.rehearsal.assumptions import Assumptions, Measured, assume
from kiban.spec import load_platform

PLATFORM = """\
platform: shop
clusters: {main: {zones: [a, b]}}
environments:
  dev: {cluster: main, domain: shop.localhost}
  prod: {cluster: main, after: dev, domain: shop.example.com}
resources: {main: postgres}
defaults: {image: registry.example/any:1}
"""
WEB = """\
port: 8080
routes: {public: {path: /, timeout: 4s}}
scale: {min: 2, max: 10, cpu: 60%}
resources: {cpu: 200m, memory: 128Mi}
slo: {availability: 99.9%, latency: {p99: 300ms}}
uses: {api: service, stats: {type: service, optional: true}}
"""
API = """\
port: 8080
health: {path: /healthz, startup: 90s}
scale: {min: 2, max: 4, requests: 20}
resources: {cpu: 100m, memory: 128Mi, cpu_limit: 500m}
uses: {main: resource, files: bucket}
"""
FILES = {
    "platform.yaml": PLATFORM,
    "services/web.yaml": WEB,
    "services/api.yaml": API.replace("cpu_limit", "cpuLimit"),
    "services/stats.yaml": "port: 8080\nscale: 2\n",
    "services/mail.yaml": "kind: worker\n",
    "services/tidy.yaml": 'job: tidy\nschedule: "0 * * * *"\n',
}


def assumed(text: str = "", environment: str = "prod", **more: object) -> Assumptions:
    files = FILES | ({"rehearsal.yaml": text} if text else {})
    return assume(load_platform(files), environment, files, **more)  # type: ignore[arg-type]


def listed(found: Assumptions, subject: str, parameter: str) -> tuple[str, str]:
    one = next(a for a in found.listed if (a.subject, a.parameter) == (subject, parameter))
    return one.value, one.source


def test_without_a_word_everything_is_assumed_from_the_spec() -> None:
    found = assumed()
    api = found.models.services["api"]
    assert api.cpu == pytest.approx(0.7 * 0.1 / 20)
    assert api.cores == 0.5
    assert found.machines["api"].start == 30.0
    assert found.models.services["web"].timeout == 4.0
    assert found.objectives["web"].availability == 0.999
    assert listed(found, "api", "cores") == ("500m", "assumed: its CPU limit")


def test_every_value_says_where_it_is_from() -> None:
    found = assumed("services:\n  web:\n    time: 40ms\n    peak: 90/m\nnoise: 0.1\n")
    assert listed(found, "web", "time") == ("40 ms", "declared: rehearsal.yaml:3")
    assert listed(found, "web", "peak") == ("1.5/s", "declared: rehearsal.yaml:4")
    assert listed(found, "", "noise") == ("10%", "declared: rehearsal.yaml:5")
    assert all(one.source.startswith(("declared: ", "assumed: ")) for one in found.listed)


def test_measured_values_stand_between_declared_and_assumed_ones() -> None:
    measured = {"web": {"time": Measured(0.05, "web.csv"), "workers": Measured(7.6, "web.csv")}}
    found = assumed("services: {web: {time: 40ms}}", measured=measured)
    web = found.models.services["web"]
    assert (web.time, web.workers) == (0.04, 8)
    assert listed(found, "web", "workers")[1] == "measured: web.csv"


def test_calls_follow_uses_and_what_is_said_of_them() -> None:
    found = assumed("services: {web: {calls: {api: 2, stats: {retries: 1, optional: false}}}}")
    calls = {call.to: call for call in found.models.services["web"].calls}
    assert (calls["api"].times, calls["api"].optional) == (2.0, False)
    assert (calls["stats"].retries, calls["stats"].optional) == (1, False)
    assert sorted(found.models.dependencies) == ["api-files", "main"]
    assert found.models.dependencies["main"].kind == "postgres"


def test_optional_uses_answer_by_default() -> None:
    calls = {call.to: call for call in assumed().models.services["web"].calls}
    assert calls["stats"].optional and not calls["api"].optional


def test_what_a_worker_takes_is_called_through_a_queue() -> None:
    found = assumed("services: {mail: {takes: {web: 0.5}}}")
    call = next(c for c in found.models.services["web"].calls if c.to == "mail")
    assert (call.times, call.queued) == (0.5, True)


def test_what_is_declared_counts_before_what_was_measured() -> None:
    text = """\
services:
  web: {time: 10ms, calls: {api: 2, stats: {retries: 1}}}
  mail: {takes: {web: 0.5}}
dependencies: {main: {time: 2ms}}
"""
    measured = {
        "web": {"time": 0.05, "calls api": 3.0, "calls stats": 0.25},
        "mail": {"takes web": 0.1},
        "main": {"time": 0.001},
    }

    def values(*, overrules: bool) -> list[float]:
        found = assumed(
            text,
            measured={
                of: {name: Measured(value, "web.csv", overrules) for name, value in those.items()}
                for of, those in measured.items()
            },
        ).models
        web = found.services["web"]
        return [web.time, *(call.times for call in web.calls), found.dependencies["main"].time]

    # Nobody says how often `stats` is called, only how.
    assert values(overrules=False) == [0.01, 2.0, 0.25, 0.5, 0.002]
    assert values(overrules=True) == [0.05, 3.0, 0.25, 0.1, 0.001]


def test_one_environment_may_differ() -> None:
    text = """\
services: {web: {time: 40ms, workers: 4}}
environments: {dev: {services: {web: {time: 10ms}}}}
"""
    assert assumed(text).models.services["web"].time == 0.04
    dev = assumed(text, "dev").models.services["web"]
    assert (dev.time, dev.workers) == (0.01, 4)
    assert listed(assumed(text, "dev"), "web", "time")[1] == "declared: rehearsal.yaml:2"


def test_the_assumed_peak_loads_nobody_beyond_what_it_is_made_for() -> None:
    found = assumed()
    peak = found.models.services["web"].peak
    # Four pods of api for 20 requests a second each, at 70 %.
    assert peak == pytest.approx(4 * 20 * 0.7, rel=0.01)
    assert found.models.services["api"].peak == 0.0
    assert found.models.services["mail"].peak == 0.0


def test_metrics_from_outside_are_read_with_their_lateness() -> None:
    found = assumed("metrics: {queue: {service: mail, every: 60s, late: 10m, factor: 2}}")
    metric = found.models.metrics["queue"]
    assert (metric.figure, metric.every, metric.late) == ("backlog", 60.0, 600.0)
    assert "600 s late" in listed(found, "queue", "metric")[0]


def test_jobs_have_machines_and_no_traffic() -> None:
    found = assumed("services: {tidy: {run: 2m}}")
    assert found.machines["tidy"].run == 120.0
    assert "tidy" not in found.models.services


WRONG = """\
services:
  wbe: {time: 20ms}
  web: {tim: 20ms, cpu: 5, calls: {aip: 2}, workers: 0}
dependencies: {mian: {time: 2ms}}
metrics: {q: {service: mial}}
environments: {prd: {}, dev: {services: {web: {start: soon}}}}
"""


def test_all_mistakes_come_at_once_with_their_places() -> None:
    with pytest.raises(KibanError) as caught:
        assumed(WRONG)
    found = [(one.code, str(one.place)) for one in caught.value.problems]
    assert found == [
        ("spec/unknown-service", "rehearsal.yaml:2:3"),
        ("spec/unknown-field", "rehearsal.yaml:3:9"),
        ("spec/wrong-value", "rehearsal.yaml:3:25"),
        ("spec/unknown-use", "rehearsal.yaml:3:36"),
        ("spec/wrong-value", "rehearsal.yaml:3:54"),
        ("spec/unknown-dependency", "rehearsal.yaml:4:16"),
        ("spec/unknown-service", "rehearsal.yaml:5:24"),
        ("spec/unknown-environment", "rehearsal.yaml:6:16"),
        ("spec/wrong-value", "rehearsal.yaml:6:55"),
    ]
    assert "did you mean 'web'" in str(caught.value)


def test_a_broken_file_says_where() -> None:
    with pytest.raises(KibanError, match=r"rehearsal.yaml:2:1"):
        assumed("services: [")
    with pytest.raises(KibanError, match="must hold a map"):
        assumed("- a\n")


def test_where_nobody_says_an_objective_the_usual_is_asked_of_those_asked_from_outside() -> None:
    files = {**FILES, "services/web.yaml": WEB.replace("slo:", "# ")}
    found = assume(load_platform(files), "prod", files)
    assert {name: (o.availability, dict(o.latency)) for name, o in found.objectives.items()} == {
        "web": (0.999, {"p99": 1.0})
    }
    assert listed(found, "web", "availability")[1].startswith("assumed: ")
    assert ("web", "availability") not in {(a.subject, a.parameter) for a in assumed().listed}
