"""Acting as somebody else: `kubectl --as`, for those who may.

Source: k8s.io/apiserver/pkg/endpoints/filters/impersonation.go. Each thing that is put on, the
name, every group, the uid and every extra, needs the right to it. The adapter joins the values of
a repeated header by line ends, which no header can hold.
"""

from collections.abc import Iterator, Mapping

from kiban.cluster.api.calls import User
from kiban.cluster.api.failures import Failure, internal
from kiban.cluster.authorization.rights import (
    ANONYMOUS,
    AUTHENTICATED,
    may,
    refusal,
)
from kiban.cluster.authorization.roles import Wish
from kiban.cluster.store import Store

USER, GROUP, UID = "impersonate-user", "impersonate-group", "impersonate-uid"
EXTRA = "impersonate-extra-"
_SERVICE_ACCOUNT = "system:serviceaccount:"
_UNAUTHENTICATED = ANONYMOUS.groups[0]
_AUTHENTICATION = "authentication.k8s.io"


def acting_user(store: Store, user: User, headers: Mapping[str, str], wish: Wish) -> User:
    """The user a request is carried out as: the caller, or whom the caller impersonates. Raises
    `Failure`."""
    name = headers.get(USER)
    if not name:
        _check_nobody_is_meant(headers)
        return user
    groups = _values(headers.get(GROUP, ""))
    for part in _parts(name, groups, headers):
        if not may(store, user, part):
            raise refusal(user, _constrained(wish))
    return User(name, _completed(name, groups), headers.get(UID, ""))


def _parts(name: str, groups: tuple[str, ...], headers: Mapping[str, str]) -> Iterator[Wish]:
    """Everything that is put on, as a wish each."""
    account = _account(name)
    if account:
        yield Wish("impersonate", "", "serviceaccounts", namespace=account[0], name=account[1])
    else:
        yield Wish("impersonate", "", "users", name=name)
    for group in groups:
        yield Wish("impersonate", "", "groups", name=group)
    if headers.get(UID):
        yield Wish("impersonate", _AUTHENTICATION, "uids", name=headers[UID])
    for header, values in headers.items():
        if header.startswith(EXTRA):
            extra = header.removeprefix(EXTRA)
            for value in _values(values):
                yield Wish("impersonate", _AUTHENTICATION, "userextras", extra, name=value)


def _completed(name: str, groups: tuple[str, ...]) -> tuple[str, ...]:
    """The groups with those that come of being known, or of being a service account."""
    account = _account(name)
    if account and not groups:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{account[0]}")
    if name == ANONYMOUS.name:
        return groups if _UNAUTHENTICATED in groups else (*groups, _UNAUTHENTICATED)
    known = AUTHENTICATED in groups or _UNAUTHENTICATED in groups
    return groups if known else (*groups, AUTHENTICATED)


def _account(name: str) -> tuple[str, str] | None:
    namespace, _, account = name.removeprefix(_SERVICE_ACCOUNT).partition(":")
    found = name.startswith(_SERVICE_ACCOUNT) and namespace and account and ":" not in account
    return (namespace, account) if found else None


def _values(text: str) -> tuple[str, ...]:
    return tuple(value for value in text.split("\n") if value)


def _check_nobody_is_meant(headers: Mapping[str, str]) -> None:
    alone = [name for name in headers if name in (GROUP, UID) or name.startswith(EXTRA)]
    if any(headers[name] for name in alone):
        raise _without_user(alone)


def _without_user(names: list[str]) -> Failure:
    shown = " ".join(names)
    return internal(f"Internal error occurred: requested [{shown}] without impersonating a user")


def _constrained(wish: Wish) -> Wish:
    """The right by whose lack the real server, from 1.36 on, refuses."""
    return Wish(
        f"impersonate-on:user-info:{wish.verb}",
        wish.group,
        wish.resource,
        wish.subresource,
        wish.namespace,
        wish.name,
        wish.path,
    )
