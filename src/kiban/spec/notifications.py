"""What people are told of, and how: `notifications` in platform.yaml."""

from typing import Literal

from pydantic import Field

from kiban.spec.words import Name, Span, Text, Variable, Words

# What can be told, in the words of platform.yaml.
NoticeKind = Literal[
    "delivered",
    "failed",
    "refused",
    "rolled-back",
    "withheld",
    "drift",
    "not-as-planned",
    "gate",
    "quarantined",
    "lifted",
    "approved",
]
# What a template may name, each with a `$` before it.
TEMPLATE_WORDS = (
    "platform", "environment", "cluster", "kind", "service", "services", "team", "commit",
    "author", "message", "text",
)  # fmt: skip


class Email(Words):
    """Where mail goes in, and out."""

    server: Text = Field(description="Host and port of the mail server, like smtp.example.com:587.")
    sender: Text = Field(description="The address it comes from.")
    to: list[Text] = Field(min_length=1, description="The addresses it goes to.")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is secured."
    )
    user: Variable | None = Field(
        default=None, description="The environment variable that holds the user's name."
    )
    password: Variable | None = Field(
        default=None, description="The environment variable that holds the password."
    )


class Notification(Words):
    """Tells somebody what happens, by one of `webhook`, `slack` and `email`.

    Secrets are never written here, but named: they are in the environment of `kiban up`.
    """

    description: str = Field(default="", description="What it is for, in a sentence.")
    webhook: Text | None = Field(default=None, description="A URL that takes JSON by POST.")
    token: Variable | None = Field(
        default=None,
        description="The environment variable that holds a bearer token for the webhook.",
    )
    secret: Variable | None = Field(
        default=None,
        description="The environment variable that holds what the webhook's body is signed with.",
    )
    slack: Variable | None = Field(
        default=None,
        description="The environment variable that holds the URL of a Slack incoming webhook.",
    )
    email: Email | None = Field(default=None, description="Mail, and the server it goes through.")
    on: list[NoticeKind] = Field(default_factory=list, description="Only these; all by default.")
    environments: list[Name] = Field(default_factory=list, description="Only of these.")
    services: list[Name] = Field(default_factory=list, description="Only of these.")
    teams: list[Name] = Field(
        default_factory=list, description="Only of services that these teams own."
    )
    template: Text | None = Field(
        default=None,
        description="The text; $environment, $service, $commit, $author, $message, $text and the "
        "like are filled in.",
    )
    patience: Span = Field(
        default=10.0, description="How long the receiver may take to answer before it is tried "
        "again later.",
    )  # fmt: skip
