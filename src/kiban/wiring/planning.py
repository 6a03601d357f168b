"""`kiban plan`: two revisions of a platform repo, compiled and compared, with no cluster."""

from collections.abc import Mapping
from pathlib import Path

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.sources import Renderer
from kiban.audit import Severity, check, judge, load_waivers, surroundings_of
from kiban.compiler import Bundle
from kiban.delivery.planning import EnvironmentPlan, Proposal, proposed
from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError, Problem
from kiban.spec import Platform, load_platform
from kiban.wiring.collecting import uncollected
from kiban.wiring.deliveries import chosen_environments
from kiban.wiring.revisions import Revision, revision, span
from kiban.wiring.sources import compiled

# An environment on a cluster.
Target = tuple[str, str | None]


def plan(start: Path, words: str, environment: str | None) -> Proposal:
    """What merging would do. Raises `KibanError` when the newer revision is no good."""
    with uncollected():
        return _plan(start, words, environment)


def plan_of_edit(start: Path, path: str, text: str, environment: str) -> Proposal:
    """What a commit on top of the branch would do that changes one file."""
    before = revision(start, "HEAD")
    after = Revision(f"{path} changed", {**before.files, path: text}, before.renderer)
    with uncollected():
        return _between(before, after, environment)


def _plan(start: Path, words: str, environment: str | None) -> Proposal:
    return _between(*span(start, words), environment)


def _between(before: Revision, after: Revision, environment: str | None) -> Proposal:
    platform = load_platform(after.files)
    chosen = [environment] if environment else list(platform.environments)
    chosen_environments(platform, chosen)
    old = _earlier(before)
    wanted = _bundles(platform, chosen, after.renderer)
    there = [name for name in chosen if old and name in old.environments]
    known = _bundles(old, there, before.renderer) if old else {}
    plans = [proposed(known.get(target), bundle) for target, bundle in wanted.items()]
    touched = [each for each in plans if each.objects and _does_something(each)]
    new, gone = _findings(known, before.files, wanted, after.files, wall_clock())
    return Proposal(
        before.name,
        after.name,
        tuple(touched),
        tuple(f"{each.environment} on {each.cluster}" for each in plans if each not in touched),
        tuple(name for name in old.environments if name not in platform.environments)
        if old
        else (),
        tuple(new),
        gone,
    )


def _does_something(plan: EnvironmentPlan) -> bool:
    return any(each.action != "keep" for each in plan.objects)


def _earlier(before: Revision) -> Platform | None:
    """The platform as it was; None when there was none yet. A base that is broken is said so, for
    nothing can be compared with it."""
    if "platform.yaml" not in before.files:
        return None
    try:
        return load_platform(before.files)
    except KibanError as error:
        problem = Problem(
            "plan/broken-base",
            f"{before.name} is no good platform repo itself, so nothing can be compared with it.",
            fix="Compare with an older commit: kiban plan BASE..HEAD",
        )
        raise KibanError((problem, *error.problems)) from error


def _bundles(
    platform: Platform, environments: list[str], renderer: Renderer
) -> dict[Target, Bundle]:
    return {
        (name, cluster): compiled(platform, name, renderer, cluster=cluster)
        for name in environments
        for cluster in (platform.clusters_of(name) or (None,))
    }


def _findings(
    known: Mapping[Target, Bundle],
    before: Mapping[str, str],
    wanted: Mapping[Target, Bundle],
    after: Mapping[str, str],
    now: Instant,
) -> tuple[list[Problem], int]:
    """The findings that only the newer revision has, and how many only the older one had. What is
    the same in both has the same findings in both."""
    if before.get("waivers.yaml") == after.get("waivers.yaml"):
        other = {target[0] for target in {**known, **wanted} if _differ(target, known, wanted)}
        known = {target: bundle for target, bundle in known.items() if target[0] in other}
        wanted = {target: bundle for target, bundle in wanted.items() if target[0] in other}
    old, new = _standing(known, before, now), _standing(wanted, after, now)
    return [new[name] for name in new if name not in old], sum(name not in new for name in old)


def _differ(
    target: Target, known: Mapping[Target, Bundle], wanted: Mapping[Target, Bundle]
) -> bool:
    before, after = known.get(target), wanted.get(target)
    return before is None or after is None or before.manifests != after.manifests


def _standing(
    bundles: Mapping[Target, Bundle], files: Mapping[str, str], now: Instant
) -> dict[tuple[str, str, str], Problem]:
    waivers = load_waivers(files.get("waivers.yaml", ""))
    around = surroundings_of(files, now)
    found = {}
    for (environment, _), bundle in bundles.items():
        judged = judge(check(bundle.manifests, around=around), waivers, now)
        for item in judged.standing:
            if item.severity >= Severity.WARNING:
                problem = item.as_problem()
                found[environment, problem.code, problem.what] = problem
    return found
