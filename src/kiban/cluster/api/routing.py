"""From a path and a method to what is meant: which kind, object, subresource and verb.

The same reading serves routing and authorization (k8s.io/apiserver/pkg/endpoints/request).
"""

from dataclasses import dataclass

from kiban.cluster.api.failures import (
    Failure,
    method_not_allowed,
    no_such_resource,
    not_found,
)
from kiban.kube.kinds import KindInfo, Kinds, Subresource

_OBJECT_VERBS = {
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
    "POST": "create",
}
_COLLECTION_VERBS = {
    "GET": "list",
    "HEAD": "list",
    "POST": "create",
    "DELETE": "deletecollection",
}
# These follow a namespace's name without belonging to a kind inside it.
_NAMESPACE_SUBRESOURCES = ("status", "finalize")
STREAMING_SUBRESOURCES = ("exec", "attach", "portforward", "proxy", "log")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is about. `resource` is the plural in the path, even of an unknown kind."""

    verb: str
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    name: str = ""
    subresource: str = ""
    rest: tuple[str, ...] = ()
    watched: bool = False

    @property
    def is_object(self) -> bool:
        return bool(self.name)


def target_of(method: str, path: str, *, watch: bool) -> Target | None:
    """The target of a path under /api or /apis; None for any other path, and for discovery."""
    parts = tuple(part for part in path.split("/") if part)
    if len(parts) >= 3 and parts[0] == "api":
        group, version, rest = "", parts[1], parts[2:]
    elif len(parts) >= 4 and parts[0] == "apis":
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    watched = rest[0] == "watch" and len(rest) > 1
    if watched:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
            rest = rest[2:]
    resource = rest[0]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    verb = (_OBJECT_VERBS if name else _COLLECTION_VERBS).get(method, "")
    if (watch or watched) and verb in ("list", "get") and (not name or watched):
        verb = "watch"
    return Target(verb, group, version, namespace, resource, name, subresource, rest[3:], watched)


def resolve(kinds: Kinds, target: Target) -> tuple[KindInfo, Subresource | None]:
    """The kind and subresource of a target, which must serve its verb. Raises `Failure`."""
    info = kinds.at(target.group, target.version, target.resource)
    if info is None or (target.namespace and not info.namespaced and not _is_own(info, target)):
        raise not_a_path()
    if target.subresource:
        subresource = info.subresource(target.subresource)
        if subresource is None:
            # A custom kind's missing part is answered as a missing object.
            raise not_a_path() if info.type_name else not_found(info, target.name)
        if target.verb not in subresource.verbs:
            raise method_not_allowed()
        return info, subresource
    if target.is_object and info.namespaced and not target.namespace:
        raise not_a_path()
    if not _serves(info, target):
        raise method_not_allowed()
    return info, None


def not_a_path() -> Failure:
    return no_such_resource()


def _is_own(info: KindInfo, target: Target) -> bool:
    """`/namespaces/shop` is about a namespace, not in one."""
    return info.plural == "namespaces" and target.namespace == target.name


def _serves(info: KindInfo, target: Target) -> bool:
    if target.verb not in info.verbs:
        return False
    if target.is_object:
        return target.verb != "create"
    # All namespaces at once can be read, and nothing else.
    everywhere = info.namespaced and not target.namespace
    return not everywhere or target.verb in ("list", "watch")
