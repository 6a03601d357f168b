"""Whether a user may do what a request asks (k8s.io/apiserver/pkg/endpoints/filters)."""

from kiban.cluster.api.calls import User
from kiban.cluster.api.failures import Failure
from kiban.cluster.api.registry import Registry
from kiban.cluster.api.routing import Target

ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ADMINISTRATORS = "system:masters"
# What everybody may read (ClusterRole system:public-info-viewer).
PUBLIC_PATHS = ("/healthz", "/livez", "/readyz", "/version", "/version/")


def check(registry: Registry, user: User, method: str, path: str, target: Target | None) -> None:
    """Raise `Failure` 403 when the user may not do this."""
    if ADMINISTRATORS in user.groups:
        return
    if target is None:
        if path not in PUBLIC_PATHS:
            raise _forbidden_path(user, method, path)
        return
    raise _forbidden_resource(user, target)


def _forbidden_path(user: User, method: str, path: str) -> Failure:
    message = f'forbidden: User "{user.name}" cannot {method.lower()} path "{path}"'
    return Failure(403, "Forbidden", message, {})


def _forbidden_resource(user: User, target: Target) -> Failure:
    resource = f"{target.resource}/{target.subresource}".rstrip("/")
    where = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    subject = f"{target.resource}.{target.group}" if target.group else target.resource
    name = f' "{target.name}"' if target.name else ""
    message = (
        f'{subject}{name} is forbidden: User "{user.name}" cannot {target.verb} resource '
        f'"{resource}" in API group "{target.group}" {where}'
    )
    details = {"name": target.name, "group": target.group, "kind": target.resource}
    present = {key: value for key, value in details.items() if value}
    return Failure(403, "Forbidden", message, present)
