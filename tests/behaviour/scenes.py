"""Scenarios made by hand in the form of the recordings, and what was seen of them.

For rules that no recording shows: the source of each is named where it is implemented.
"""

from typing import Any

from world import World

Manifest = dict[str, Any]
Fact = dict[str, Any]
NODES = [{"name": f"n{number}", "zone": f"test-1{zone}"} for number, zone in enumerate("abc", 1)]
RUN = "behaviour.test/run"
RUNS = "behaviour.test/runs"
EXITS = "behaviour.test/exits"
NEVER_READY = "behaviour.test/never-ready"


def template(
    app: str, *, image: str = "app:1", notes: dict[str, str] | None = None, **spec: Any
) -> Manifest:
    """A pod template; `notes` are annotations, which tell the recorder's nodes what to do."""
    metadata: Manifest = {"labels": {"app": app}}
    if notes:
        metadata["annotations"] = notes
    return {"metadata": metadata, "spec": {"containers": [{"name": "app", "image": image}], **spec}}


def workload(kind: str, name: str, **spec: Any) -> Manifest:
    """A workload of the group apps."""
    made = {"selector": {"matchLabels": {"app": name}}, "template": template(name), **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": made}


def job(notes: dict[str, str], **spec: Any) -> Manifest:
    """The Job `work`, whose pods do as the notes say."""
    pods = template("work", notes=notes, restartPolicy="Never")
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "work"},
        "spec": {"template": pods, **spec},
    }


def cron_job(notes: dict[str, str], **spec: Any) -> Manifest:
    """The CronJob `tick`, every minute unless told otherwise."""
    pods = template("tick", notes=notes, restartPolicy="Never")
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick"},
        "spec": {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": pods}}, **spec},
    }


def at(seconds: float, verb: str, **what: Any) -> Manifest:
    """An action of a scenario."""
    return {"at": seconds, "do": {"verb": verb, **what}}


def image(number: int, **notes: str | None) -> Manifest:
    """The patch that gives a workload another version."""
    pods: Manifest = {"spec": {"containers": [{"name": "app", "image": f"app:{number}"}]}}
    if notes:
        pods["metadata"] = {"annotations": notes}
    return {"spec": {"template": pods}}


def seen(manifests: list[Manifest], *actions: Manifest, seconds: float, **case: Any) -> list[Fact]:
    """Everything that was observed of a scenario."""
    whole = {
        "name": "scene",
        "area": "scene",
        "setup": {"nodes": case.pop("nodes", NODES), "manifests": manifests},
        "actions": list(actions),
        "duration": seconds,
        **case,
    }
    return World(whole).play()


def times(facts: list[Fact], what: str, name: str = "") -> list[float]:
    """When a thing was seen, of one object or of all."""
    return [fact["t"] for fact in facts if fact["what"] == what and name in ("", fact["name"])]


def last(facts: list[Fact], what: str, until: float) -> Fact:
    """How an object was seen last, up to an instant."""
    return [fact for fact in facts if fact["what"] == what and fact["t"] <= until][-1]
