"""What can be wrong about resources: classes, their params and outputs, the objects that ask for
them."""

from collections.abc import Callable, Iterator, Mapping

from kiban.primitives.located import Located
from kiban.primitives.problems import Problem
from kiban.spec.nouns import PlatformSpec
from kiban.spec.platform import Platform
from kiban.spec.references import Finder, unless_known
from kiban.spec.resources import Resource, class_of, outputs_of
from kiban.spec.service import ServiceSpec, Use


def check_uses(platform: Platform, service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    """Classes, their params and outputs, of what a service uses."""
    for key, use in service.uses.items():
        for output in use.outputs:
            place = find("uses", key, "outputs", output).key_place()
            yield from unless_known("output", output, told_by(platform, key, use), place)
        if (use.class_ or use.params) and not is_own(platform, key, use):
            what = f"`uses.{key}` is shared or a service, and chooses no class or params"
            fix = "say them in `resources` of platform.yaml"
            yield Problem("spec/class", what, find("uses", key).key_place(), fix=fix)
        else:
            at = ("uses", key)
            yield from class_faults(platform.spec, use, lambda *path, at=at: find(*at, *path))


def class_faults(
    spec: PlatformSpec, wanted: Use | Resource, at: Callable[..., Located]
) -> Iterator[Problem]:
    """What is wrong with the class and params of a resource."""
    if wanted.class_ is not None and wanted.class_ not in spec.classes:
        if spec.classes:
            yield from unless_known("class", wanted.class_, spec.classes, at("class").place())
        else:
            what = f"there is no class {wanted.class_!r}: the platform offers none"
            fix = "describe it in `classes` of platform.yaml"
            yield Problem("spec/unknown-class", what, at("class").place(), fix=fix)
        return
    found = class_of(spec.classes, wanted.type, wanted.class_)
    if found is not None and found.type != wanted.type:
        what = f"the class {wanted.class_!r} is of {found.type}, not of {wanted.type}"
        yield Problem("spec/class", what, at("class").place(), fix="choose another one")
    elif found is None and wanted.params:
        what = f"there are `params` for a {wanted.type} and no class that takes them"
        fix = f"describe the class {wanted.type!r} in `classes` of platform.yaml"
        yield Problem("spec/class", what, at("params").key_place(), fix=fix)
    else:
        for name in wanted.params:
            known = found.params if found else {}
            yield from unless_known("param", name, known, at("params", name).key_place())


def told_by(platform: Platform, key: str, use: Use) -> tuple[str, ...]:
    """What something in `uses` tells: of its type, and of its class."""
    shared, classes = platform.spec.resources.get(use.name or key), platform.spec.classes
    if shared is not None and use.type in ("resource", shared.type):
        return outputs_of(shared.type, class_of(classes, shared.type, shared.class_))
    return outputs_of(use.type, class_of(classes, use.type, use.class_))


def is_own(platform: Platform, key: str, use: Use) -> bool:
    """Whether a resource is the service's own."""
    shared = platform.spec.resources.get(use.name or key)
    is_shared = use.type == "resource" or (shared is not None and shared.type == use.type)
    return use.type != "service" and not is_shared


def check_classes(spec: PlatformSpec, tree: Located) -> Iterator[Problem]:
    """What platform.yaml says of classes, and of the resources that are of one."""
    for name, resource in spec.resources.items():
        node = tree.nearest(("resources", name))
        yield from class_faults(spec, resource, lambda *path, node=node: node.nearest(path))
    for name, found in spec.classes.items():
        for key, manifest in found.objects.items():
            is_object = isinstance(manifest, Mapping) and all(
                isinstance(manifest.get(field), str) for field in ("apiVersion", "kind")
            )
            if not is_object:
                what = f"the object {key!r} of the class {name!r} has no `apiVersion` and `kind`"
                place = tree.nearest(("classes", name, "objects", key)).key_place()
                yield Problem("spec/class", what, place, fix="write it as Kubernetes has it")
