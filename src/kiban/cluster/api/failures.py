"""What the API server says when it refuses: one constructor for each kind of refusal.

A `Failure` carries what a `Status` object says (k8s.io/apimachinery/pkg/api/errors/errors.go), so
that the in-process caller reads its fields and the HTTP answer is its `as_status`.
"""

from collections.abc import Sequence
from typing import Any

from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest

Cause = dict[str, str]


class Failure(Exception):
    """A refused request."""

    def __init__(
        self, code: int, reason: str, message: str, details: dict[str, Any] | None = None
    ) -> None:
        self.code, self.reason, self.message, self.details = code, reason, message, details
        self.warnings: tuple[str, ...] = ()
        super().__init__(message)

    @property
    def causes(self) -> Sequence[Cause]:
        found: Sequence[Cause] = (self.details or {}).get("causes", ())
        return found

    def as_status(self) -> Manifest:
        status: Manifest = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        return {**status, "code": self.code}


def details_of(info: KindInfo, name: str = "", **more: Any) -> dict[str, Any]:
    """Which object a status is about; in the plural, as the URL has it."""
    named = {"name": name, "group": info.group, "kind": info.plural}
    return {key: value for key, value in named.items() if value} | more


def not_found(info: KindInfo, name: str) -> Failure:
    message = f'{info.resource} "{name}" not found'
    return Failure(404, "NotFound", message, details_of(info, name))


def no_such_resource() -> Failure:
    """The path leads nowhere."""
    return Failure(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(
    info: KindInfo, name: str, *, retry_seconds: int = 0, being_deleted: bool = False
) -> Failure:
    message = f'{info.resource} "{name}" already exists'
    more = {"retryAfterSeconds": retry_seconds} if retry_seconds else {}
    if being_deleted:
        message = f"object is being deleted: {message}"
    if retry_seconds:
        message += ", the server was not able to generate a unique name for the object"
    return Failure(409, "AlreadyExists", message, details_of(info, name, **more))


MODIFIED = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def conflict(info: KindInfo, name: str, why: str = MODIFIED) -> Failure:
    message = f'Operation cannot be fulfilled on {info.resource} "{name}": {why}'
    return Failure(409, "Conflict", message, details_of(info, name))


def bad_request(message: str) -> Failure:
    return Failure(400, "BadRequest", message)


def internal(message: str) -> Failure:
    return Failure(500, "", message)


def forbidden(info: KindInfo, name: str, why: str, *, causes: Sequence[Cause] = ()) -> Failure:
    subject = f'{info.resource} "{name}"' if name else info.resource
    more = {"causes": list(causes)} if causes else {}
    return Failure(
        403, "Forbidden", f"{subject} is forbidden: {why}", details_of(info, name, **more)
    )


def invalid(info: KindInfo, name: str, causes: Sequence[Cause]) -> Failure:
    """An object that breaks rules. Each cause has `reason`, `message` and `field`; equal ones are
    said once, several are bracketed (apimachinery's aggregate)."""
    texts = list(dict.fromkeys(_cause_text(cause) for cause in causes))
    said = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    kind = f"{info.kind}.{info.group}" if info.group else info.kind
    details = {"name": name, "group": info.group, "kind": info.kind, "causes": list(causes)}
    return Failure(
        422,
        "Invalid",
        f'{kind} "{name}" is invalid: {said}',
        {key: value for key, value in details.items() if value},
    )


def required(field: str, why: str = "") -> Cause:
    message = f"Required value: {why}" if why else "Required value"
    return {"reason": "FieldValueRequired", "message": message, "field": field}


def wrong_value(field: str, value: str, why: str) -> Cause:
    """`value` as Go prints it: texts quoted, numbers bare."""
    message = f"Invalid value: {value}: {why}"
    return {"reason": "FieldValueInvalid", "message": message, "field": field}


def _cause_text(cause: Cause) -> str:
    return f"{cause['field']}: {cause['message']}" if cause.get("field") else cause["message"]


def method_not_allowed() -> Failure:
    message = "the server does not allow this method on the requested resource"
    return Failure(405, "MethodNotAllowed", message, {})


def unauthorized() -> Failure:
    return Failure(401, "Unauthorized", "Unauthorized")


def expired(message: str) -> Failure:
    return Failure(410, "Expired", message)


def too_many_requests(
    message: str, *, retry_seconds: int = 0, causes: Sequence[Cause] = ()
) -> Failure:
    details: dict[str, Any] = {"causes": list(causes)} if causes else {}
    if retry_seconds:
        details["retryAfterSeconds"] = retry_seconds
    return Failure(429, "TooManyRequests", message, details)
