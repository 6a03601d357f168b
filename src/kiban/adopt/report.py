"""What an adoption has to say: how much shorter, what differed between the copies and perhaps by
accident, what is said in patches, and the proof."""

from collections.abc import Iterator, Sequence
from typing import Any

from kiban.adopt.adoption import Adoption
from kiban.adopt.copies import every_name
from kiban.adopt.descriptions import Translation
from kiban.adopt.drift import Drift, drifts
from kiban.adopt.folding import Leaf, leaves
from kiban.adopt.proof import Restart

# Accidents that are printed; `--json` has all.
SHOWN = 40


def as_data(adoption: Adoption, accepted: Sequence[str] = ()) -> dict[str, Any]:
    """Everything, for machines."""
    proof, found = adoption.proof, drifts(adoption.copies)
    return {
        "environments": [copy.environment for copy in adoption.copies],
        "files": {"before": _files_before(adoption), "after": len(adoption.files)},
        "lines": {"before": adoption.lines_before, "after": adoption.lines_after},
        "services": sorted(adoption.folded.services),
        "objects": proof.objects,
        "differences": [
            {
                "name": one.name,
                "kind": one.kind,
                "accepted": one.is_accepted(accepted),
                "why": one.lines(),
            }
            for one in proof.deviations
        ],
        "added": [one.name for one in proof.added],
        "workloads": proof.workloads,
        "restarts": [
            {"object": f"{one.object}@{one.environment}", "why": list(one.why)}
            for one in proof.restarts
        ],
        "same": _same(adoption, found),
        "accidents": [str(one) for one in found if one.is_accident],
        "patches": {"conventions": _conventions(adoption), "own": _own_patches(adoption)},
        "left": [text for copy in adoption.copies for text in copy.left],
    }


def as_text(adoption: Adoption, accepted: Sequence[str] = ()) -> str:
    """The report for people."""
    parts = [
        _summary(adoption),
        _differences(adoption, accepted),
        _accidents(adoption, drifts(adoption.copies)),
        _patches(adoption),
        _waived(adoption),
        _left(adoption),
    ]
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part) + "\n"


def translation_text(found: Translation, accepted: Sequence[str] = ()) -> str:
    """The report on what somebody described in another language."""
    lines = [
        f"{len(found.services)} services in {', '.join(found.environments)}",
        f"  {found.lines_before} lines before, {found.lines_after} after",
    ]
    if standing := found.standing(accepted):
        lines += ["", "Not said in the new repo; accept each with --accept NAME, or all:"]
        lines += [f"  {one}" for one in standing]
    return "\n".join(lines) + "\n"


def translation_data(found: Translation, accepted: Sequence[str] = ()) -> dict[str, Any]:
    """The same, for machines."""
    return {
        "environments": list(found.environments),
        "lines": {"before": found.lines_before, "after": found.lines_after},
        "services": list(found.services),
        "unsaid": list(found.unsaid),
        "standing": found.standing(accepted),
    }


def plan_text(adoption: Adoption) -> str:
    """What a take-over does to pods that run as the manifests say."""
    proof = adoption.proof
    return take_over_text(proof.workloads - len(proof.restarts), proof.restarts)


def take_over_text(kept: int, restarts: Sequence[Restart], absent: Sequence[str] = ()) -> str:
    """What a take-over does to pods, workload by workload."""
    lines = [f"{kept} workloads are taken over as they run."]
    if not restarts:
        lines.append("No pod template changes: nothing restarts.")
    for restart in restarts:
        lines.append(f"{restart.object}@{restart.environment} restarts:")
        lines += [f"  {why}" for why in restart.why]
    lines += [f"{name} is not there, and is made." for name in absent]
    return "\n".join(lines) + "\n"


def _summary(adoption: Adoption) -> Iterator[str]:
    proof, before, after = adoption.proof, adoption.lines_before, adoption.lines_after
    names = ", ".join(copy.environment for copy in adoption.copies)
    yield f"{len(adoption.folded.services)} services in {names}"
    times = f" ({before / after:.1f} times fewer)" if before > after else ""
    yield f"  {before} lines before, {after} after{times}"
    yield f"  {proof.same} of {proof.objects} objects compile back to what they mean now"
    if proof.restarts:
        yield f"  {len(proof.restarts)} of {proof.workloads} workloads would restart; see --plan"
    else:
        yield f"  {proof.workloads} workloads: no pod template changes, nothing restarts"
    for copy in adoption.copies:
        if copy.unplaced and not copy.given_namespace:
            space = adoption.bundles[copy.environment].namespace
            said = f"  {copy.unplaced} objects in {copy.environment} name no namespace: they are "
            yield f"{said}taken to live in {space} (else say --namespace)"
    if proof.added:
        yield f"  made beside them: {', '.join(one.name for one in proof.added)}"


def _differences(adoption: Adoption, accepted: Sequence[str]) -> Iterator[str]:
    standing = adoption.proof.standing(accepted)
    if standing:
        yield "Not the same; accept each with --accept NAME:"
        yield from (f"  {line}" for one in standing for line in one.lines())
    done = [one.name for one in adoption.proof.deviations if one not in standing]
    if done:
        yield f"Not the same, and accepted: {', '.join(done)}"


def _same(adoption: Adoption, found: Sequence[Drift]) -> list[str]:
    """The objects that are the same in every environment but for its name."""
    differs = {one.object for one in found}
    return [str(name) for name in every_name(adoption.copies) if name not in differs]


def _accidents(adoption: Adoption, found: Sequence[Drift]) -> Iterator[str]:
    if len(adoption.copies) < 2:
        return
    same, every = len(_same(adoption, found)), len(every_name(adoption.copies))
    yield f"{same} of {every} objects are the same everywhere, but for the environment's name."
    accidents = [one for one in found if one.is_accident]
    if accidents:
        yield "The copies differ here, perhaps by accident (kept as it is):"
        yield from (f"  {one}" for one in accidents[:SHOWN])
        if len(accidents) > SHOWN:
            yield f"  and {len(accidents) - SHOWN} more (--json has all)"
    expected = len(found) - len(accidents)
    if expected:
        yield f"{expected} more differences follow the environment: sizes, tags, hosts and such."


def _patches(adoption: Adoption) -> Iterator[str]:
    conventions, own = _conventions(adoption), _own_patches(adoption)
    if conventions:
        yield (
            f"{conventions} patches in platform.yaml say what all services do otherwise than Kiban "
            "would; delete one, and every service gets Kiban's way."
        )
    if own:
        yield "Patches of single services:"
        yield from (f"  {line}" for line in own)


def _conventions(adoption: Adoption) -> int:
    layers = [adoption.folded.defaults, *adoption.folded.environments.values()]
    return sum(len(layer.get("patches") or {}) for layer in layers)


def _own_patches(adoption: Adoption) -> list[str]:
    found = []
    for service, base in adoption.folded.services.items():
        overrides = adoption.folded.overrides.get(service, {})
        for where, tree in [("", base), *((f" in {name}", one) for name, one in overrides.items())]:
            patches: list[Leaf] = [leaf for leaf, value in leaves(tree) if _is_patch(leaf, value)]
            found += [f"{service}{where}: {leaf[1].replace('/*', '')}" for leaf in patches]
    return found


def _is_patch(leaf: Leaf, value: Any) -> bool:
    return leaf[0] == "patches" and len(leaf) > 1 and value is not None


def _waived(adoption: Adoption) -> Iterator[str]:
    waived = adoption.files.get("waivers.yaml", "").count("rule: ")
    if waived:
        yield (
            f"{waived} kinds of findings of the audit are waived in waivers.yaml for a while, so "
            "that what runs can be delivered as it is."
        )


def _left(adoption: Adoption) -> Iterator[str]:
    left = [f"  {copy.environment}: {one}" for copy in adoption.copies for one in copy.left]
    if left:
        yield "Read, and not taken over:"
        yield from left


def _files_before(adoption: Adoption) -> int:
    return sum(copy.files for copy in adoption.copies)
