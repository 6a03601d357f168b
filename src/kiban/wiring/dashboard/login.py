"""Logins as the platform repo wants them: who the provider says somebody is becomes a person with
roles, as of the newest commit."""

import os

from kiban.adapters.oidc import OidcProvider, Pending
from kiban.spec.access import Access
from kiban.web.access import Person, Role, roles_of


class PlatformLogin:
    """A provider, and the roles that the platform gives to whom it names."""

    def __init__(self, access: Access) -> None:
        assert access.login is not None, "there is a provider"
        login = access.login
        secret = os.environ.get(login.secret, "") if login.secret else ""
        self._provider = OidcProvider(
            login.issuer, login.client, secret, scopes=login.scopes, groups=login.groups
        )
        self._access = access

    async def begin(self, redirect: str) -> tuple[str, Pending]:
        return await self._provider.begin(redirect)

    async def finish(self, begun: Pending, code: str) -> Person | None:
        found = await self._provider.finish(begun, code)
        names = ["*", *([found.email] if found.email else [])]
        names += [f"group:{group}" for group in found.groups]
        roles = roles_of(names, self._access.people, declared_roles(self._access))
        return Person(found.name, found.email, roles) if roles else None


def declared_roles(access: Access) -> dict[str, Role]:
    return {
        name: Role(tuple(role.verbs), tuple(role.environments))
        for name, role in access.roles.items()
    }
