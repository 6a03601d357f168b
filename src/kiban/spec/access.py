"""Who may use the dashboard, and for what: roles by verb and environment, people by address or
group, and where they log in."""

from typing import Literal

from pydantic import Field

from kiban.spec.words import Name, Text, Variable, Words

Verb = Literal["read", "release", "approve", "operate", "*"]


class Role(Words):
    """What people of this role may do, and where."""

    verbs: list[Verb] = Field(description="read, release, approve, operate; `*` is all.")
    environments: list[Text] = Field(
        default_factory=lambda: ["*"], description="Where; `*`, the default, is everywhere."
    )


class Login(Words):
    """An OpenID Connect provider that says who somebody is."""

    issuer: Text = Field(description="Its address, like https://login.example.com.")
    client: Text = Field(description="The client that the provider knows the dashboard by.")
    secret: Variable | None = Field(
        default=None, description="The environment variable that holds the client's secret."
    )
    scopes: list[Text] = Field(
        default_factory=lambda: ["openid", "email", "profile"],
        description="What is asked of the provider.",
    )
    groups: Text = Field(default="groups", description="The claim that lists a person's groups.")


class Access(Words):
    """Who may use the dashboard. Without it only those who hold its token."""

    login: Login | None = Field(
        default=None, description="Who says who somebody is; without it, only the token."
    )
    roles: dict[Name, Role] = Field(
        default_factory=dict, description="Roles beside `admin` (all) and `viewer` (read)."
    )
    people: dict[Text, list[Name]] = Field(
        default_factory=dict,
        description="Roles by e-mail address, by `group:NAME`, or by `*` for whoever logs in.",
    )
    hosts: list[Text] = Field(
        default_factory=list, description="Names under which the dashboard is reached."
    )
