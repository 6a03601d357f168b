"""What `kubectl get` shows: durations, the states of pods, and the cells of other kinds."""

from typing import Any

import pytest
from tests.kube.manifests import container, cron_job, deployment, job, pod, service

from kiban.kube.defaults import default
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import Manifest
from kiban.kube.printing import age, custom_printer, human_duration, printer_of
from kiban.kube.printing.tables import simple_path
from kiban.primitives.instants import Instant, later, parse_rfc3339

BORN = "2026-11-21T12:00:00Z"
NOW = Instant(later(parse_rfc3339(BORN), 200))
Value = dict[str, Any]


def cells(manifest: Manifest) -> list[Any]:
    manifest = {**manifest, "metadata": {**manifest["metadata"], "creationTimestamp": BORN}}
    info = standard_kinds().of_manifest(manifest)
    assert info is not None
    printer = printer_of(info)
    row = printer.cells(manifest, NOW)
    assert len(row) == len(printer.columns)
    return row


def with_status(manifest: Manifest, **status: Any) -> Manifest:
    return {**manifest, "status": status}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-0.5, "0s"),
        (45, "45s"),
        (119, "119s"),
        (120, "2m"),
        (310, "5m10s"),
        (600, "10m"),
        (3 * 3600, "3h"),
        (5 * 3600 + 180, "5h3m"),
        (47 * 3600, "47h"),
        (3 * 86400 + 4 * 3600, "3d4h"),
        (400 * 86400, "400d"),
        (2 * 365 * 86400 + 30 * 86400, "2y30d"),
        (9 * 365 * 86400, "9y"),
    ],
)
def test_a_span_has_at_most_two_units(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_an_age_may_be_unknown() -> None:
    assert age(None, NOW) == "<unknown>"
    assert age(BORN, NOW) == "3m20s"


def running(name: str, *, ready: bool = True, restarts: int = 0, **fields: Any) -> Value:
    state = {"running": {}}
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, **fields}


def waiting(name: str, reason: str, restarts: int = 0) -> Value:
    state = {"waiting": {"reason": reason}}
    return {"name": name, "ready": False, "restartCount": restarts, "state": state}


def ended(name: str, code: int = 0, restarts: int = 0, **fields: Any) -> Value:
    state = {"terminated": {"exitCode": code, **fields}}
    return {"name": name, "ready": False, "restartCount": restarts, "state": state}


ONE = pod(container("c"))
TWO = pod(container("c"), container("d"))
INIT = pod(container("c"), initContainers=[container("i"), container("j")])
READY = [{"type": "Ready", "status": "True"}]


@pytest.mark.parametrize(
    ("manifest", "shown"),
    [
        (with_status(ONE, phase="Pending"), ["0/1", "Pending", "0"]),
        (
            with_status(
                TWO,
                phase="Running",
                containerStatuses=[
                    running("c", restarts=2),
                    waiting("d", "CrashLoopBackOff", 3),
                ],
            ),
            ["1/2", "CrashLoopBackOff", "5"],
        ),
        (
            with_status(
                INIT, phase="Pending", initContainerStatuses=[ended("i"), ended("j", 3, 1)]
            ),
            ["0/1", "Init:ExitCode:3", "1"],
        ),
        (
            with_status(
                INIT, phase="Pending", initContainerStatuses=[ended("i"), running("j", ready=False)]
            ),
            ["0/1", "Init:1/2", "0"],
        ),
        (
            with_status(ONE, phase="Succeeded", containerStatuses=[ended("c", reason="Completed")]),
            ["0/1", "Completed", "0"],
        ),
        (
            with_status(
                TWO,
                phase="Running",
                conditions=READY,
                containerStatuses=[running("c"), ended("d", reason="Completed")],
            ),
            ["1/2", "Running", "0"],
        ),
        (
            with_status(
                ONE,
                phase="Failed",
                reason="Evicted",
                containerStatuses=[ended("c", 137, signal=9)],
            ),
            ["0/1", "Signal:9", "0"],
        ),
        (
            with_status(
                ONE,
                phase="Pending",
                conditions=[
                    {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}
                ],
            ),
            ["0/1", "SchedulingGated", "0"],
        ),
    ],
)
def test_a_pod_shows_what_it_is_doing(manifest: Manifest, shown: list[str]) -> None:
    assert cells(manifest)[1:4] == shown


def test_a_pod_that_goes_is_terminating() -> None:
    leaving = with_status(ONE, phase="Running", containerStatuses=[running("c")])
    leaving["metadata"] = {**leaving["metadata"], "deletionTimestamp": BORN}
    assert cells(leaving)[2] == "Terminating"


def test_restarts_tell_when_the_last_one_was() -> None:
    last = {"lastState": {"terminated": {"finishedAt": "2026-11-21T12:02:20Z"}}}
    manifest = with_status(
        ONE, phase="Running", containerStatuses=[running("c", restarts=2, **last)]
    )
    assert cells(manifest)[3] == "2 (60s ago)"


def test_the_row_of_a_pod_that_ended_is_marked() -> None:
    info = standard_kinds().typed("po")
    assert info is not None
    done = with_status(ONE, phase="Succeeded")
    table = printer_of(info).table([(done, None), (ONE, None)], NOW, {})
    assert [row.get("conditions", [{}])[0].get("reason") for row in table["rows"]] == [
        "Succeeded",
        None,
    ]


def test_workloads_show_how_far_they_are() -> None:
    status = {"readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1}
    manifest = {**deployment(replicas=3), "status": status}
    assert cells(manifest) == [
        "cart",
        "1/3",
        2,
        1,
        "3m20s",
        "app",
        "registry.example/app:1",
        "app=cart",
    ]


def test_jobs_show_completions_and_duration() -> None:
    manifest = with_status(
        job(completions=3),
        succeeded=1,
        startTime=BORN,
        conditions=[{"type": "Complete", "status": "True"}],
        completionTime="2026-11-21T12:00:30Z",
    )
    assert cells(manifest)[:4] == ["count", "Complete", "1/3", "30s"]
    assert cells(job(parallelism=4))[1:4] == ["Running", "0/1 of 4", ""]


def test_a_schedule_shows_when_it_last_ran() -> None:
    manifest = with_status(cron_job(suspend=True), lastScheduleTime="2026-11-21T12:03:00Z")
    assert cells(manifest)[1:7] == ["*/5 * * * *", "<none>", "True", 0, "20s", "3m20s"]


def test_services_show_their_addresses_and_ports() -> None:
    plain = default(service({"port": 80}, clusterIP="10.0.0.1"))
    assert cells(plain)[1:] == [
        "ClusterIP",
        "10.0.0.1",
        "<none>",
        "80/TCP",
        "3m20s",
        "app=cart",
    ]
    balanced = service({"port": 80, "nodePort": 30080}, type="LoadBalancer", clusterIP="10.0.0.1")
    assert cells(balanced)[3:5] == ["<pending>", "80:30080/TCP"]


def test_an_autoscaler_shows_what_it_measures() -> None:
    target = {"type": "Utilization", "averageUtilization": 70}
    manifest = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "h"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "cart"},
            "minReplicas": 2,
            "maxReplicas": 9,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
    assert cells(manifest)[1:3] == ["Deployment/cart", "cpu: <unknown>/70%"]
    seen = {"name": "cpu", "current": {"averageUtilization": 50}}
    manifest["status"] = {"currentMetrics": [{"type": "Resource", "resource": seen}]}
    assert cells(manifest)[2:6] == ["cpu: 50%/70%", "2", 9, 0]


def test_every_kind_can_be_shown_when_it_is_empty() -> None:
    for info in standard_kinds():
        manifest = {
            "apiVersion": info.api_version,
            "kind": info.kind,
            "metadata": {"name": "x", "creationTimestamp": BORN},
        }
        printer = printer_of(info)
        assert len(printer.cells(manifest, NOW)) == len(printer.columns), info.kind


def test_a_custom_kind_declares_its_columns() -> None:
    version = {
        "additionalPrinterColumns": [
            {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
            {"name": "Born", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
            {"name": "None", "type": "string", "jsonPath": ".spec.none", "priority": 1},
        ]
    }
    printer = custom_printer(version)
    widget = {"metadata": {"name": "w", "creationTimestamp": BORN}, "spec": {"size": 2}}
    assert printer.cells(widget, NOW) == ["w", 2, "3m20s", None]
    assert [column.name for column in printer.columns] == ["Name", "Size", "Born", "None"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".spec.size", 2),
        (".spec.list[1].name", "b"),
        ('.status.conditions[?(@.type=="Ready")].status', "True"),
        (".metadata.labels['a.b/c']", "d"),
        (".spec.none.deeper", None),
        (".spec.list[9]", None),
    ],
)
def test_a_simple_path_finds_the_first_value(path: str, value: Any) -> None:
    tree = {
        "metadata": {"labels": {"a.b/c": "d"}},
        "spec": {"size": 2, "list": [{"name": "a"}, {"name": "b"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    assert simple_path(tree, path) == value
