"""What acts do on a stage: each as a person or the world would do it, through the API, the cloud
or the traffic."""

from collections.abc import Callable
from dataclasses import replace

from kiban.cluster.api.failures import Failure
from kiban.kube.objects import Manifest, copied, key_of
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.cloud.control_plane import CONTROL_PLANE
from kiban.rehearsal.machines import ServiceModel
from kiban.rehearsal.scenarios.scenario import Act
from kiban.rehearsal.scenarios.sleeping import sleep, wake
from kiban.rehearsal.scenarios.stage import ALL, BUSIEST, Stage
from kiban.rehearsal.traffic import Quirk
from kiban.rehearsal.traffic.shapes import Surge

JOB_IMAGE = "rehearsal.kiban.dev/job:1"
UPGRADE_POLL_SECONDS = 30.0
# What the strictest Pod Security level asks for, so that jobs are admitted everywhere.
_CONFINED = {
    "runAsNonRoot": True,
    "runAsUser": 65534,
    "seccompProfile": {"type": "RuntimeDefault"},
}
Doing = Callable[[Stage, Act, Instant], None]


def deploy(stage: Stage, act: Act, now: Instant) -> None:
    """A new version of some services, one after another; a bad one is undone after a while."""
    words = act.words
    assert words.deploy is not None
    gap = words.every or 0.0
    for number, service in enumerate(stage.services(words.deploy)):
        at = later(now, number * gap)
        stage.world.at(at, _deploying(stage, act, service))


def _deploying(stage: Stage, act: Act, service: str) -> Callable[[Instant], None]:
    return lambda now: _deploy(stage, act, service, now)


def _deploy(stage: Stage, act: Act, service: str, now: Instant) -> None:
    workload = stage.workload(service)
    if workload is None:
        stage.note(
            now, "act.idle", act="deploy", service=service, why=f"there is no service {service}"
        )
        return
    before = workload["spec"]["template"]["spec"]["containers"][0]["image"]
    name = before.partition("@")[0]
    stem = name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name
    number = sum(record["what"] == "act.deploy" for record in stage.world.observations.records)
    image = f"{stem}:{act.words.version or f'rehearsed-{number + 1}'}"
    _conduct(stage, act, service, image)
    stage.note(now, "act.deploy", service=service, image=image, bad=_is_bad(act))
    _set_image(stage, service, image, now)
    if act.words.for_ is not None:
        undone = later(now, act.words.for_)
        stage.world.at(undone, lambda at: _undo(stage, service, before, at))


def _undo(stage: Stage, service: str, image: str, now: Instant) -> None:
    stage.note(now, "act.rollback", service=service, image=image)
    _set_image(stage, service, image, now)


def _is_bad(act: Act) -> bool:
    words = act.words
    return bool(words.errors or words.slower or words.crashes or words.never_ready)


def _conduct(stage: Stage, act: Act, service: str, image: str) -> None:
    """How the new version behaves on its machines and to its callers."""
    words, conduct = act.words, stage.world.conduct
    usual = conduct.services.get(service, conduct.default)
    if words.crashes is not None or words.never_ready:
        conduct.by_image[image] = replace(
            usual, crash_after=words.crashes, never_ready=bool(words.never_ready)
        )
    if words.errors or words.slower or words.memory_factor:
        present = frozenset(pod.revision for pod in stage.world.fleet.pods(service))
        quirk = Quirk(
            (words.errors or 0.0) / 100,
            words.slower or 1.0,
            words.memory_factor or 1.0,
            present,
        )
        stage.traffic.disturbances.quirk(service, quirk)


def _set_image(stage: Stage, service: str, image: str, now: Instant) -> None:
    workload = stage.workload(service)
    if workload is None:
        return

    def changed(live: Manifest) -> Manifest:
        found = copied(live)
        found["spec"]["template"]["spec"]["containers"][0]["image"] = image
        return found

    stage.world.api.change(key_of(workload), changed, now)


def lose_zone(stage: Stage, act: Act, now: Instant) -> None:
    """All machines of a zone stop; after a while they are back."""
    zone, machines = stage.zone(str(act.words.lose_zone)), stage.world.machines
    if not any(machine.zone == zone for machine in machines.machines.values()):
        why = f"there is no machine in {zone or 'any zone'}"
        stage.note(now, "act.idle", act="loseZone", why=why)
        return
    stage.note(now, "act.zone-lost", zone=zone)
    if stage.cloud is not None:
        stage.cloud.lose_zone(zone, now)
    else:
        for name, machine in sorted(machines.machines.items()):
            if machine.zone == zone:
                machines.stop(name, now)
    if act.words.for_ is not None:
        back = later(now, act.words.for_)
        stage.world.at(back, lambda at: _restore_zone(stage, zone, at))


def _restore_zone(stage: Stage, zone: str, now: Instant) -> None:
    stage.note(now, "act.zone-back", zone=zone)
    if stage.cloud is not None:
        stage.cloud.restore_zone(zone, now)
        return
    machines = stage.world.machines
    for name, machine in sorted(machines.machines.items()):
        if machine.zone == zone:
            machines.start(name, now)


def interrupt_spot(stage: Stage, act: Act, now: Instant) -> None:
    """A share of the spot machines gets its two minutes."""
    if stage.cloud is None:
        stage.note(now, "act.idle", act="interruptSpot", why="there is no modelled cloud")
        return
    zone = stage.zone(act.words.zone) if act.words.zone else ""
    taken = stage.cloud.interrupt((act.words.interrupt_spot or 0.0) / 100, now, zone=zone)
    if not taken:
        why = "there is no spot machine" + (f" in {zone}" if zone else "")
        stage.note(now, "act.idle", act="interruptSpot", why=why)
        return
    stage.note(now, "act.spot-sweep", zone=zone, machines=len(taken))


def upgrade_nodes(stage: Stage, act: Act, now: Instant) -> None:
    """Node groups are renewed, one after another; of all of them, after the control plane."""
    if stage.cloud is None:
        stage.note(now, "act.idle", act="upgradeNodes", why="there is no modelled cloud")
        return
    target = act.words.upgrade_nodes
    every = [CONTROL_PLANE, *sorted(stage.cloud.groups)]
    groups = every if target == ALL else [str(target)]
    if groups[0] not in every:
        why = f"there is no node group {groups[0]}, only {', '.join(every)}"
        stage.note(now, "act.idle", act="upgradeNodes", why=why)
        return
    _upgrade_next(stage, groups, now, forces=bool(act.words.force))


def _upgrade_next(stage: Stage, groups: list[str], now: Instant, *, forces: bool) -> None:
    assert stage.cloud is not None
    if not groups:
        return
    stage.note(now, "act.upgrade", group=groups[0])
    upgrade = stage.cloud.upgrade(groups[0], now, forces=forces)

    def look(at: Instant) -> None:
        if upgrade.phase == "failed" and groups[0] == CONTROL_PLANE:
            why = "nodes may not be newer than their control plane"
            stage.note(at, "act.idle", act="upgradeNodes", why=why)
        elif upgrade.phase in ("done", "failed"):
            _upgrade_next(stage, groups[1:], at, forces=forces)
        else:
            stage.world.at(later(at, UPGRADE_POLL_SECONDS), look)

    look(now)


def break_(stage: Stage, act: Act, now: Instant) -> None:
    """A service or dependency fails, or is slow, for a while."""
    words = act.words
    name = stage.busiest_dependency() if words.break_ == BUSIEST else str(words.break_)
    if name not in stage.traffic.graph.nodes:
        stage.note(now, "act.idle", act="break", name=name, why=f"there is no {name} that is used")
        return
    disturbances = stage.traffic.disturbances
    if words.slower is not None:
        disturbances.slow_down(name, words.slower)
    if words.slower is None or words.errors is not None:
        disturbances.break_down(name, (words.errors if words.errors is not None else 100.0) / 100)
    stage.note(now, "act.broken", name=name)
    if words.for_ is not None:
        stage.world.at(later(now, words.for_), lambda at: _mend(stage, name, at))


def _mend(stage: Stage, name: str, now: Instant) -> None:
    stage.note(now, "act.mended", name=name)
    stage.traffic.disturbances.mend(name)


def start_jobs(stage: Stage, act: Act, now: Instant) -> None:
    """One Job with as many pods, all at once."""
    words, count = act.words, act.words.start_jobs or 0
    stage.world.conduct.by_image[JOB_IMAGE] = ServiceModel(run=words.run or 600.0)
    serial = len(stage.watch.jobs) + 1
    requests = {"cpu": words.cpu or "500m", "memory": words.memory or "512Mi"}
    container = {
        "name": "work",
        "image": JOB_IMAGE,
        "resources": {"requests": requests, "limits": {"memory": requests["memory"]}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    manifest: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"rehearsal-{serial}", "labels": {"app": "rehearsal-jobs"}},
        "spec": {
            "parallelism": count,
            "completions": count,
            "template": {
                "metadata": {"labels": {"app": "rehearsal-jobs"}},
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [container],
                    "securityContext": _CONFINED,
                },
            },
        },
    }
    stage.note(now, "act.jobs", count=count)
    try:
        stage.world.api.create(manifest, now)
    except Failure as failure:
        stage.note(now, "act.refused", act="startJobs", why=failure.message)


def fill_subnet(stage: Stage, act: Act, now: Instant) -> None:
    """Somebody else takes all but a few addresses of a zone's subnet."""
    zone = stage.zone(str(act.words.fill_subnet))
    subnets = stage.cloud.addresses.subnets if stage.cloud is not None else {}
    if zone not in subnets:
        why = f"there is no subnet in {zone}"
        stage.note(now, "act.idle", act="fillSubnet", zone=zone, why=why)
        return
    taken = max(subnets[zone].free - (act.words.leave or 0), 0)
    blocks = subnets[zone].take(taken)
    stage.note(now, "act.subnet-filled", subnet=subnets[zone].name, taken=taken)
    if act.words.for_ is not None and blocks is not None:
        stage.world.at(later(now, act.words.for_), lambda at: subnets[zone].give_back(blocks))


def surge(stage: Stage, act: Act, now: Instant) -> None:
    """More comes from outside: a rise, a while, a fall."""
    words, since = act.words, stage.traffic.seconds_at(now)
    hold = words.for_ if words.for_ is not None else 1800.0
    rise = words.rise if words.rise is not None else 60.0
    fall = words.fall if words.fall is not None else rise
    chosen = [name for name in words.services if name in stage.traffic.order]
    if words.services and not chosen:
        why = f"there is no service {' or '.join(words.services)}"
        stage.note(now, "act.idle", act="surge", why=why)
        return
    stage.traffic.load.surge(Surge(since, words.surge or 1.0, rise, hold, fall), chosen)
    stage.note(now, "act.surge", factor=words.surge, services=chosen)


DOINGS: dict[str, Doing] = {
    "deploy": deploy,
    "lose_zone": lose_zone,
    "interrupt_spot": interrupt_spot,
    "upgrade_nodes": upgrade_nodes,
    "break_": break_,
    "start_jobs": start_jobs,
    "fill_subnet": fill_subnet,
    "surge": surge,
    "sleep": sleep,
    "wake": wake,
}
