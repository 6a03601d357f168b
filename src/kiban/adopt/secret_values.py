"""Secrets whose values lie in clear in what a team has: they stay on the cluster and do not go
into the new repo, unless somebody says that they are no secrets."""

from kiban.adopt.copies import Copy, Name
from kiban.kube.objects import Manifest


def has_values(manifest: Manifest) -> bool:
    """Whether a Secret holds a value that somebody could read."""
    if manifest["kind"] != "Secret":
        return False
    held = [*(manifest.get("data") or {}).values(), *(manifest.get("stringData") or {}).values()]
    return any(held) and "sops" not in manifest


def in_clear(copy: Copy) -> tuple[Name, ...]:
    return tuple(name for name, one in copy.objects.items() if has_values(one))
