"""Changes to compiled objects that the language cannot say, addressed by identity.

`Deployment/stamp containers[app].securityContext` names an object, then a path in which an item
of a list is chosen by its name, so that a patch survives a change of order; `[+name]` adds one,
`[*]` is every one. A path that does not begin at a field of the object begins at its pod; without
a path, the whole object is meant. A target that is gone is a problem: a patch that hits nothing
would silently stop protecting what it was written for.

`Deployment/*` is whichever object of that kind a service has. Such a patch states a convention: it
may stand in the defaults of many services, `{service}`, `{environment}`, `{namespace}`,
`{platform}`, `{domain}` and `{image}` in it are filled in, and where it hits nothing there is
nothing to change.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kiban.compiler.bundle import SERVICE_LABEL
from kiban.compiler.target import Target
from kiban.kube.merges.merge_patch import merge_patch
from kiban.kube.objects import Manifest, annotations_of, get_in, labels_of, replaced
from kiban.primitives.problems import Place, Problem, nearest
from kiban.spec.service import Patch

# What one looks for between brackets, in this order.
IDENTITIES = ("name", "topologyKey", "mountPath", "containerPort", "port", "host", "path", "type")
_STEP = re.compile(r"""\.?([A-Za-z0-9_-]+)|\[(?:"([^"]*)"|([^\]"]+))\]""")
POD_PATHS = {
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_OBJECT_FIELDS = frozenset(("apiVersion", "kind", "metadata", "spec", "data"))
PATCHED_ANNOTATION = "kiban.dev/patched"
ANY, ADDED = "*", "+"


class Missing(Exception):
    """The path leads nowhere at this part."""


def apply_patches(
    target: Target, manifests: Iterable[Manifest], problems: list[Problem]
) -> Iterator[Manifest]:
    """The manifests with the patches of the platform and of every service in them."""
    by_name = {f"{one['kind']}/{one['metadata']['name']}": one for one in manifests}
    owned: dict[str, dict[str, Manifest]] = {}
    for name, one in by_name.items():
        owned.setdefault(labels_of(one).get(SERVICE_LABEL, ""), {})[name] = one
    for identity, patch in _in_order(target.platform.spec.patches):
        _apply(target, "", (identity, patch), by_name, owned.get("", {}), problems)
    for service in target.services.values():
        own = owned.get(service.service, {})
        for identity, patch in _in_order(service.patches):
            _apply(target, service.service, (identity, patch), by_name, own, problems)
    yield from by_name.values()


def _in_order(patches: Mapping[str, Patch]) -> list[tuple[str, Patch]]:
    return sorted(patches.items(), key=lambda item: patch_order(item[0]))


def patch_order(path: str) -> tuple[bool, int]:
    """As written, but changes of names last, the innermost first, so that the others find what
    they name."""
    return (True, -path.count("[")) if path.endswith(".name") else (False, 0)


def _apply(
    target: Target,
    service: str,
    named: tuple[str, Patch],
    by_name: dict[str, Manifest],
    own: Mapping[str, Manifest],
    problems: list[Problem],
) -> None:
    identity, patch = named
    kind_name, _, path = (part.strip() for part in identity.partition(" "))
    kind, _, name = kind_name.partition("/")
    is_convention = name == ANY
    if is_convention:
        found = [key for key in own if key in by_name and key.partition("/")[0] == kind]
        words = _words(target, service)
        path = filled(path, words)
        patch = patch.model_copy(update={"set": filled(patch.set, words)})
    else:
        found = [key for key in (kind_name,) if key in by_name]
    if not found and not is_convention:
        place = _place(target, service, identity)
        problems.append(_no_object(kind_name, list(own), place))
    for key in found:
        try:
            changed = patched(by_name[key], path, patch)
        except Missing as missing:
            if not is_convention:
                what = f"the patch of {kind_name} finds no {missing} in `{path}`"
                place = _place(target, service, identity)
                problems.append(Problem("compile/patch-target", what, place, fix=_FIX))
            continue
        if changed is None:
            del by_name[key]
        else:
            # Conventions are many, and the same for all: noted on every object they say nothing.
            by_name[key] = changed if is_convention else _noted(changed, path, patch)


def _words(target: Target, service: str) -> dict[str, str]:
    return {
        "service": service,
        "environment": target.environment,
        "namespace": target.namespace,
        "platform": target.platform.name,
        "domain": target.host(None),
        "image": target.images.get(service, ""),
    }


def filled(value: Any, words: Mapping[str, str]) -> Any:
    """A value with the words in its texts filled in."""
    if isinstance(value, str):
        for word, text in words.items():
            value = value.replace(f"{{{word}}}", text)
        return value
    if isinstance(value, Mapping):
        return {filled(key, words): filled(item, words) for key, item in value.items()}
    return [filled(item, words) for item in value] if isinstance(value, list) else value


_FIX = "correct the path, or delete the patch if the language can say it now"


def _no_object(wanted: str, known: list[str], place: Place) -> Problem:
    meant = nearest(wanted, known)
    hint = f"; did you mean {meant}?" if meant else ""
    what = f"no object {wanted} is compiled for this patch{hint}"
    return Problem("compile/patch-target", what, place, fix=_FIX)


def _place(target: Target, service: str, identity: str) -> Place:
    if not service:
        return target.platform.sources.platform.nearest(("patches", identity)).key_place()
    tree = target.platform.sources.services[service]
    for path in (("environments", target.environment, "patches"), ("patches",)):
        found = tree.get(*path, identity)
        if found is not None:
            return found.key_place()
    return Place(thing=f"service {service}")


def patched(manifest: Manifest, path: str, patch: Patch) -> Manifest | None:
    """The manifest as the patch wants it; None when it is to go. Raises `Missing`."""
    if not path and patch.remove:
        return None
    steps = _steps(path)
    if steps[0] not in _OBJECT_FIELDS:
        steps = [*POD_PATHS.get(manifest["kind"], ()), *steps]
    changed: Manifest = _change(manifest, steps, patch)
    return changed


def _noted(manifest: Manifest, path: str, patch: Patch) -> Manifest:
    said = get_in(annotations_of(manifest), PATCHED_ANNOTATION, default="")
    # The audit reads the day (audit/rules/patches.py): compiling knows no time.
    until = f" (until {patch.expires})" if patch.expires else ""
    notes = {
        **annotations_of(manifest),
        PATCHED_ANNOTATION: "; ".join(filter(None, [said, f"{path}: {patch.reason}{until}"])),
    }
    return replaced(manifest, ("metadata", "annotations"), notes)


def _steps(path: str) -> list[str]:
    found = [bare or quoted or chosen for bare, quoted, chosen in _STEP.findall(path)]
    if not found or "".join(match.group() for match in _STEP.finditer(path)) != path:
        raise Missing("path that can be read")
    return found


def _change(tree: Any, steps: list[str], patch: Patch) -> Any:
    """A copy of the tree, changed at the path; what is not on the path is shared."""
    if not steps:
        return merge_patch(tree, dict(patch.set)) if isinstance(patch.set, Mapping) else patch.set
    first, *rest = steps
    if isinstance(tree, list):
        if first.startswith(ADDED) and not rest and not patch.remove:
            return [*tree, _change(None, [], patch)]
        if first == ANY and tree:
            return [] if patch.remove and not rest else [_change(one, rest, patch) for one in tree]
        index = _index(tree, first)
        if patch.remove and not rest:
            return [*tree[:index], *tree[index + 1 :]]
        return [*tree[:index], _change(tree[index], rest, patch), *tree[index + 1 :]]
    if not isinstance(tree, dict) or (first not in tree and (rest or patch.remove)):
        raise Missing(f"`{first}`")
    if patch.remove and not rest:
        return {key: value for key, value in tree.items() if key != first}
    return {**tree, first: _change(tree.get(first), rest, patch)}


def _index(items: list[Any], wanted: str) -> int:
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            if str(item) == wanted:
                return index
        elif any(str(item[key]) == wanted for key in IDENTITIES if key in item):
            return index
    raise Missing(f"[{wanted}]")
