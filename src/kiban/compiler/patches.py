"""Changes to compiled objects that the language cannot say, addressed by identity.

`Deployment/stamp containers[app].securityContext` names an object, then a path in which an item
of a list is chosen by its name, so that a patch survives a change of order. A path that does not
begin at a field of the object begins at its pod. A target that is gone is a problem: a patch that
hits nothing would silently stop protecting what it was written for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kiban.compiler.target import Target
from kiban.kube.merges.merge_patch import merge_patch
from kiban.kube.objects import Manifest, annotations_of, get_in, replaced
from kiban.primitives.problems import Place, Problem, nearest
from kiban.spec.service import Patch

# What one looks for between brackets, in this order.
_IDENTITIES = ("name", "topologyKey", "mountPath", "containerPort", "port", "host", "path", "type")
_STEP = re.compile(r"""\.?([A-Za-z0-9_-]+)|\[(?:"([^"]*)"|([^\]"]+))\]""")
_POD_PATHS = {
    "Deployment": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_OBJECT_FIELDS = frozenset(("apiVersion", "kind", "metadata", "spec", "data"))
PATCHED_ANNOTATION = "kiban.dev/patched"


class _Missing(Exception):
    """The path leads nowhere at this part."""


def apply_patches(
    target: Target, manifests: Iterable[Manifest], problems: list[Problem]
) -> Iterator[Manifest]:
    """The manifests with the patches of every service in them."""
    by_name = {f"{one['kind']}/{one['metadata']['name']}": one for one in manifests}
    for service in target.services.values():
        for identity, patch in service.patches.items():
            place = _place(target, service.service, identity)
            kind_name, _, path = identity.partition(" ")
            found = by_name.get(kind_name)
            if found is None:
                own = [
                    key for key in by_name if by_name[key]["metadata"]["name"] == service.service
                ]
                problems.append(_no_object(kind_name, own, place))
                continue
            try:
                by_name[kind_name] = _patched(found, path.strip(), patch)
            except _Missing as missing:
                what = f"the patch of {kind_name} finds no {missing} in `{path.strip()}`"
                problems.append(Problem("compile/patch-target", what, place, fix=_FIX))
    yield from by_name.values()


_FIX = "correct the path, or delete the patch if the language can say it now"


def _no_object(wanted: str, known: list[str], place: Place) -> Problem:
    meant = nearest(wanted, known)
    hint = f"; did you mean {meant}?" if meant else ""
    what = f"no object {wanted} is compiled for this patch{hint}"
    return Problem("compile/patch-target", what, place, fix=_FIX)


def _place(target: Target, service: str, identity: str) -> Place:
    tree = target.platform.sources.services[service]
    for path in (("environments", target.environment, "patches"), ("patches",)):
        found = tree.get(*path, identity)
        if found is not None:
            return found.key_place()
    return Place(thing=f"service {service}")


def _patched(manifest: Manifest, path: str, patch: Patch) -> Manifest:
    steps = _steps(path)
    if steps[0] not in _OBJECT_FIELDS:
        steps = [*_POD_PATHS.get(manifest["kind"], ()), *steps]
    changed = _change(manifest, steps, patch)
    assert isinstance(changed, dict)
    said = get_in(annotations_of(changed), PATCHED_ANNOTATION, default="")
    notes = {
        **annotations_of(changed),
        PATCHED_ANNOTATION: "; ".join(filter(None, [said, f"{path}: {patch.reason}"])),
    }
    return replaced(changed, ("metadata", "annotations"), notes)


def _steps(path: str) -> list[str]:
    found = [bare or quoted or chosen for bare, quoted, chosen in _STEP.findall(path)]
    if not found or "".join(match.group() for match in _STEP.finditer(path)) != path:
        raise _Missing("path that can be read")
    return found


def _change(tree: Any, steps: list[str], patch: Patch) -> Any:
    """A copy of the tree, changed at the path; what is not on the path is shared."""
    if not steps:
        return merge_patch(tree, dict(patch.set)) if isinstance(patch.set, Mapping) else patch.set
    first, *rest = steps
    if isinstance(tree, list):
        index = _index(tree, first)
        if patch.remove and not rest:
            return [*tree[:index], *tree[index + 1 :]]
        return [*tree[:index], _change(tree[index], rest, patch), *tree[index + 1 :]]
    if not isinstance(tree, dict) or (first not in tree and (rest or patch.remove)):
        raise _Missing(f"`{first}`")
    if patch.remove and not rest:
        return {key: value for key, value in tree.items() if key != first}
    return {**tree, first: _change(tree.get(first), rest, patch)}


def _index(items: list[Any], wanted: str) -> int:
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            if str(item) == wanted:
                return index
        elif any(str(item[key]) == wanted for key in _IDENTITIES if key in item):
            return index
    raise _Missing(f"[{wanted}]")
