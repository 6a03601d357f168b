"""What `kiban status`, `diff`, `logs` and `events` see: a cluster, a repository and the journal,
looked at once from outside. They work while `kiban up` runs, and on any context without it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import JournalReader
from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.delivery.delivery import Delivery
from kiban.delivery.hooks import outcome
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Commit, Desired, Follow, Listed, Undeliverable
from kiban.delivery.preview import Preview, needed_lists, preview
from kiban.delivery.reporting import failure_problems
from kiban.delivery.status import DeliveryStatus
from kiban.kube.objects import EVENT, POD, Manifest, get_in, key_of
from kiban.kube.ports import ApiError
from kiban.primitives.instants import parse_rfc3339, rfc3339, seconds_between
from kiban.primitives.problems import Exit, KibanError, Problem
from kiban.spec import Platform, load_platform
from kiban.wiring.cluster_command import kubeconfig_path
from kiban.wiring.deliveries import chosen_environments, refuse_findings
from kiban.wiring.quarantines import refuse_newly_quarantined
from kiban.wiring.repository import Home, home_of
from kiban.wiring.sources import compiled, renderer_of_files

SERVICE_SELECTOR = "kiban.dev/service"
LATEST_EVENTS = 200
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class View:
    """One environment as a command looks at it."""

    home: Home
    repository: GitRepository
    platform: Platform
    environment: str
    scope: Scope
    cluster: KubernetesCluster
    is_local: bool


@asynccontextmanager
async def looking(environment: str | None, context: str = "") -> AsyncIterator[View]:
    """Open what is needed to look at an environment. Raises `KibanError` for what is not there."""
    home = home_of()
    repository = home.repository()
    head = repository.head()
    try:
        platform = load_platform(repository.files(head))
    except KibanError:
        platform = _last_good(home, repository)
    [name] = chosen_environments(platform, [environment] if environment else [])
    path = "" if context else str(kubeconfig_path(home.state.directory))
    async with KubernetesCluster(load_access(context, path)) as cluster:
        scope = Scope(platform.name, name, context or "local", platform.namespace_of(name))
        try:
            yield View(home, repository, platform, name, scope, cluster, not context)
        except ApiError as error:
            raise _cannot_look(error, context) from error


async def status_of(view: View) -> DeliveryStatus:
    """Where an environment stands: the newest commit held against what the cluster has."""
    head = view.repository.head()
    commit = _commit(view.repository, head)
    delivery = Delivery(view.scope)
    try:
        newest: Desired | Undeliverable = _desired(view, head)
    except KibanError as error:
        newest = Undeliverable(commit, error.problems)
        endings = JournalReader(view.home.state.journal).endings(view.scope.subject)
        good = [
            str(end.facts["commit"])
            for _, end in endings
            if end.ending == "done" and end.facts.get("commit")
        ]
        if good and view.repository.exists(good[0]):
            delivery.observe(_desired(view, good[0]), wall_clock())
            delivery.step(wall_clock())
    delivery.observe(newest, wall_clock())
    delivery.step(wall_clock())
    for listing in await _listings(view, delivery.follows()):
        delivery.observe(listing, wall_clock())
    delivery.step(wall_clock())
    return _with_last_failure(delivery, view)


def _with_last_failure(delivery: Delivery, view: View) -> DeliveryStatus:
    """What is still to be done of a commit may have failed before, which only the journal knows."""
    status = delivery.status()
    last = JournalReader(view.home.state.journal).endings(view.scope.subject, 1)
    if status.phase != "syncing" or status.commit is None or not last:
        return status
    _, ending = last[0]
    if ending.ending != "failed" or ending.facts.get("commit") != status.commit.id:
        return status
    live, hooks = delivery.live, delivery.hooks
    failed = [key for key in hooks if outcome(live.get(key)) == "failed"]
    problems = (*status.problems, *failure_problems(ending.message, view.scope, failed))
    return replace(status, phase="failing", message=ending.message, problems=problems)


async def preview_of(view: View, commit: str = "") -> Preview:
    """What delivering a commit would change."""
    desired = _desired(view, commit or view.repository.head())
    listings = await _listings(view, needed_lists(desired.bundle, view.scope))
    return preview(desired.bundle, view.scope, listings)


async def follow_logs(
    view: View, service: str, *, follow: bool, tail: int | None, say: Callable[[str], None]
) -> None:
    """The logs of a service's pods, each line under the name of its pod."""
    listing = await view.cluster.list(
        POD, namespace=view.scope.namespace, labels=f"{SERVICE_SELECTOR}={service}"
    )
    if not listing.items:
        raise KibanError(
            Problem("logs/no-pods", f"{service} has no pods in {view.scope.namespace}"),
            Exit.PROBLEMS,
        )

    async def one(pod: Manifest) -> None:
        name = pod["metadata"]["name"]
        rest = b""
        with suppress(ApiError):
            async for piece in view.cluster.logs(key_of(pod), follow=follow, tail=tail):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    say(f"{name}  {line.decode(errors='replace')}")
        if rest:
            say(f"{name}  {rest.decode(errors='replace')}")

    await asyncio.gather(*(one(pod) for pod in listing.items))


async def events_of(view: View) -> list[dict[str, Any]]:
    """What happened, the oldest first: the cluster's events and the journal's records together."""
    listing = await view.cluster.list(EVENT, namespace=view.scope.namespace)
    found = [_event_data(event) for event in listing.items]
    entries = JournalReader(view.home.state.journal).last(LATEST_EVENTS, kind="event")
    for entry in entries:
        record = entry.record
        if getattr(record, "subject", "") == view.scope.subject:
            found.append(
                {
                    "at": rfc3339(entry.at),
                    "type": "Kiban",
                    "reason": getattr(record, "code", ""),
                    "object": view.scope.subject,
                    "message": getattr(record, "message", ""),
                }
            )
    return sorted(found, key=lambda event: str(event["at"]))[-LATEST_EVENTS:]


def _cannot_look(error: ApiError, context: str) -> KibanError:
    fix = f"check the context {context}" if context else "start it: kiban up"
    return KibanError(
        Problem(
            "cluster/no-answer", str(error), fix=fix if error.code == 0 or error.code >= 500 else ""
        ),
        Exit.WORLD_FAILED,
    )


def age_of(at: str) -> str:
    """`2m` for an RFC 3339 time two minutes ago."""
    seconds = max(0, round(seconds_between(parse_rfc3339(at), wall_clock())))
    if seconds < 120:
        return f"{seconds}s"
    return f"{seconds // 60}m" if seconds < 7200 else f"{seconds // 3600}h"


def _event_data(event: Manifest) -> dict[str, Any]:
    about = event.get("involvedObject", {})
    at = (
        event.get("lastTimestamp")
        or event.get("eventTime")
        or event["metadata"]["creationTimestamp"]
    )
    count = event.get("count") or get_in(event, "series", "count", default=1)
    times = f" (x{count})" if count and count > 1 else ""
    return {
        "at": at,
        "type": event.get("type", ""),
        "reason": event.get("reason", ""),
        "object": f"{about.get('kind', '')}/{about.get('name', '')}",
        "message": event.get("message", "") + times,
    }


def _desired(view: View, commit: str) -> Desired:
    files = view.repository.files(commit)
    platform = load_platform(files)
    journal, subject = view.home.state.journal, view.scope.subject
    refuse_newly_quarantined(platform, view.environment, subject, journal)
    renderer = renderer_of_files(files, view.repository)
    bundle = compiled(platform, view.environment, renderer, local=view.is_local)
    refuse_findings(bundle, files, wall_clock())
    return Desired(_commit(view.repository, commit), bundle)


def _commit(repository: GitRepository, commit: str) -> Commit:
    entry = repository.commit_info(commit)
    return Commit(commit, entry.author, entry.message, entry.at)


async def _listings(view: View, follows: Sequence[Follow]) -> list[Listed]:
    async def one(follow: Follow) -> Listed:
        try:
            found = await view.cluster.list(follow.kind, namespace=follow.namespace)
        except ApiError as error:
            if error.code != NOT_FOUND:
                raise
            # A kind that comes with the commit, and is not there yet.
            return Listed(follow, ())
        return Listed(follow, found.items)

    return list(await asyncio.gather(*(one(follow) for follow in follows)))


def _last_good(home: Home, repository: GitRepository) -> Platform:
    """The platform of the newest commit that loads, when the tip of the branch does not."""
    for entry in repository.log(limit=50)[1:]:
        with suppress(KibanError):
            return load_platform(repository.files(entry.commit))
    return load_platform(repository.files(repository.head()))
