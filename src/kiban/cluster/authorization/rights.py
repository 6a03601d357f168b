"""Whether a user may do what a request asks, and the sentence when not.

Source: k8s.io/apiserver/pkg/endpoints/filters/authorization.go.
"""

from kiban.cluster.api.calls import User
from kiban.cluster.api.failures import Failure
from kiban.cluster.api.routing import Target
from kiban.cluster.authorization.roles import Wish, allows
from kiban.cluster.store import Store

ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ADMINISTRATORS = "system:masters"
AUTHENTICATED = "system:authenticated"


def may(store: Store, user: User, wish: Wish) -> bool:
    """Administrators may do everything, even without a role that says so."""
    return ADMINISTRATORS in user.groups or allows(store, user, wish)


def wish_of(method: str, path: str, target: Target | None) -> Wish:
    if target is None:
        return Wish(method.lower(), path=path)
    return Wish(
        target.verb,
        target.group,
        target.resource,
        target.subresource,
        target.namespace,
        target.name,
    )


def refusal(user: User, wish: Wish) -> Failure:
    """The 403 that names who may not do what."""
    if wish.path:
        message = f'forbidden: User "{user.name}" cannot {wish.verb} path "{wish.path}"'
        return Failure(403, "Forbidden", message, {})
    resource = f"{wish.resource}/{wish.subresource}".rstrip("/")
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    subject = f"{wish.resource}.{wish.group}" if wish.group else wish.resource
    name = f' "{wish.name}"' if wish.name else ""
    message = (
        f'{subject}{name} is forbidden: User "{user.name}" cannot {wish.verb} resource '
        f'"{resource}" in API group "{wish.group}" {where}'
    )
    details = {"name": wish.name, "group": wish.group, "kind": wish.resource}
    return Failure(403, "Forbidden", message, {k: v for k, v in details.items() if v})
