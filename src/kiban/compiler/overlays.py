"""Objects that differ a little between environments: what an environment says of an object is
merged over what all say of it, as a strategic merge patch. `$patch: delete` leaves it out."""

from collections.abc import Iterable

from kiban.kube.kinds import standard_kinds
from kiban.kube.merges.strategic import strategic_merge
from kiban.kube.objects import Key, Manifest, key_of
from kiban.kube.schema import ANYTHING, Shape, shape_of

DIRECTIVE = "$patch"


def overlaid(common: Iterable[Manifest], own: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """The objects of an environment, in the order of the common ones; new ones last."""
    found: dict[Key, Manifest] = {key_of(manifest): manifest for manifest in common}
    for manifest in own:
        key = key_of(manifest)
        if manifest.get(DIRECTIVE) == "delete":
            found.pop(key, None)
        elif key in found:
            found[key] = strategic_merge(found[key], manifest, shape_for(manifest))
        else:
            found[key] = manifest
    return tuple(found.values())


def shape_for(manifest: Manifest) -> Shape:
    """What is known of the fields of an object; nothing, for kinds of others."""
    info = standard_kinds().of_manifest(manifest)
    return shape_of(info) if info is not None else ANYTHING
