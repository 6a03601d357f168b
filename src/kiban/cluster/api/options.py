"""The options of a request: read from the query (and a delete's body) and checked.

Sources: k8s.io/apimachinery/pkg/apis/meta/{internalversion,v1}/validation, conversion.go.
"""

from dataclasses import dataclass
from typing import Any, cast

from kiban.cluster.api.calls import Call, DeleteOptions, FieldValidation
from kiban.cluster.api.failures import Cause, Failure, bad_request
from kiban.cluster.api.values import Request
from kiban.kube.field_selectors import FieldSelector, parse_field_selector
from kiban.kube.kinds import KindInfo
from kiban.kube.selectors import LabelSelector, SelectorError, parse_label_selector
from kiban.primitives.digits import signed_number
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Propagation

FIELD_MANAGER_LIMIT = 128
PROPAGATIONS = ("Foreground", "Background", "Orphan")


@dataclass(frozen=True, slots=True)
class ListOptions:
    """What part of a collection is wanted, and as of when. Versions are texts as sent."""

    labels: LabelSelector
    fields: FieldSelector
    limit: int = 0
    continue_token: str = ""
    resource_version: str = ""
    match: str = ""
    bookmarks: bool = False
    send_initial_events: bool | None = None
    timeout_seconds: int | None = None

    @property
    def selects(self) -> bool:
        return bool(self.labels.requirements or self.fields.terms)


def list_options(
    request: Request, info: KindInfo, declared: tuple[str, ...], *, watch: bool
) -> ListOptions:
    """Read and check the options of a list or a watch. Raises `Failure`."""
    limit = _integer(request, "limit") or 0
    timeout = _integer(request, "timeoutSeconds")
    try:
        labels = parse_label_selector(request.value("labelSelector"))
        fields = parse_field_selector(request.value("fieldSelector"), _selected_as(info), declared)
    except SelectorError as error:
        raise bad_request(str(error)) from error
    initial = request.value("sendInitialEvents")
    options = ListOptions(
        labels,
        fields,
        limit=limit,
        continue_token=request.value("continue"),
        resource_version=request.value("resourceVersion"),
        match=request.value("resourceVersionMatch"),
        bookmarks=request.flag("allowWatchBookmarks"),
        send_initial_events=request.flag("sendInitialEvents") if initial else None,
        timeout_seconds=timeout,
    )
    causes = _watch_faults(options) if watch else _list_faults(options)
    if causes:
        raise _invalid_options("ListOptions", causes)
    return options


def _selected_as(info: KindInfo) -> str:
    """The name under which field selectors know a kind."""
    if not info.type_name:
        return ""
    return f"{info.kind}.{info.group}" if info.group == "events.k8s.io" else info.kind


def _list_faults(options: ListOptions) -> list[Cause]:
    causes = []
    if options.send_initial_events is not None:
        causes.append(_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    match = options.match
    if not match:
        return causes
    field = "resourceVersionMatch"
    if not options.resource_version:
        causes.append(_forbidden(field, f"{field} is forbidden unless resourceVersion is provided"))
    if options.continue_token:
        causes.append(_forbidden(field, f"{field} is forbidden when continue is provided"))
    if match not in ("Exact", "NotOlderThan"):
        supported = ["Exact", "NotOlderThan", ""]
        causes.append(_not_supported(field, match, supported))
    if match == "Exact" and options.resource_version == "0":
        causes.append(_forbidden(field, f'{field} "exact" is forbidden for resourceVersion "0"'))
    return causes


def _watch_faults(options: ListOptions) -> list[Cause]:
    causes = []
    field = "resourceVersionMatch"
    if options.send_initial_events is None:
        if options.match:
            why = f"{field} is forbidden for watch unless sendInitialEvents is provided"
            causes.append(_forbidden(field, why))
        return causes
    if options.match != "NotOlderThan":
        why = f"sendInitialEvents requires setting {field} to NotOlderThan"
        causes.append(_forbidden(field, why))
        if options.match:
            causes.append(_not_supported(field, options.match, ["NotOlderThan"]))
    return causes


def call_of(request: Request, now: Instant, kind: str, api_version: str = "") -> Call:
    """The conditions of a write through a version. `kind` is the options' own kind, as errors name
    it."""
    manager = request.value("fieldManager")
    causes = _manager_faults(manager)
    dry_run = request.values("dryRun")
    causes += _dry_run_faults(dry_run)
    validation = request.value("fieldValidation") or "Warn"
    if validation not in ("Ignore", "Warn", "Strict"):
        supported = ["", "Ignore", "Strict", "Warn"]
        causes.append(_not_supported("fieldValidation", validation, supported))
    if causes:
        raise _invalid_options(kind, causes)
    return Call(
        request.user,
        now,
        manager or manager_from_agent(request.headers.get("user-agent", "")),
        bool(dry_run),
        cast(FieldValidation, validation),
        consultation=request.consultation,
        api_version=api_version,
    )


def manager_from_agent(agent: str) -> str:
    """Who writes when no field manager is named: the program before the slash."""
    return (agent.partition("/")[0] or "unknown")[:FIELD_MANAGER_LIMIT]


def _manager_faults(manager: str) -> list[Cause]:
    if len(manager.encode()) > FIELD_MANAGER_LIMIT:
        message = f"Too long: may not be more than {FIELD_MANAGER_LIMIT} bytes"
        return [_cause("FieldValueTooLong", message, "fieldManager")]
    return [
        _cause(
            "FieldValueInvalid",
            f"Invalid value: {_go_quoted(manager)}: invalid character U+{ord(letter):04X} "
            f"(at position {position})",
            "fieldManager",
        )
        for position, letter in enumerate(manager)
        if not letter.isprintable()
    ]


_GO_ESCAPES = {7: "\\a", 8: "\\b", 9: "\\t", 10: "\\n", 11: "\\v", 12: "\\f", 13: "\\r"}


def _go_quoted(text: str) -> str:
    """As Go's %q writes it."""
    quoted = "".join(
        _GO_ESCAPES.get(ord(letter), letter)
        if letter.isprintable() or ord(letter) in _GO_ESCAPES
        else f"\\x{ord(letter):02x}"
        for letter in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return f'"{quoted}"'


def _dry_run_faults(values: tuple[str, ...]) -> list[Cause]:
    if all(value == "All" for value in values):
        return []
    listed = "[" + ", ".join(f'"{value}"' for value in values) + "]"
    message = f'Unsupported value: {listed}: supported values: "All"'
    return [_cause("FieldValueNotSupported", message, "dryRun")]


def delete_options(
    request: Request, body: dict[str, Any] | None, now: Instant
) -> tuple[DeleteOptions, Call]:
    """From the body when there is one, else from the query."""
    given = body if body is not None else _delete_query(request)
    _check_delete_types(given)
    causes: list[Cause] = []
    propagation = given.get("propagationPolicy") or ""
    orphan = given.get("orphanDependents")
    if propagation and orphan is not None:
        message = (
            f'Invalid value: "{propagation}": orphanDependents and deletionPropagation cannot be '
            "both set"
        )
        causes.append(_cause("FieldValueInvalid", message, "propagationPolicy"))
    elif propagation and propagation not in PROPAGATIONS:
        causes.append(_not_supported("propagationPolicy", propagation, [*PROPAGATIONS, "nil"]))
    dry_run = tuple(given.get("dryRun") or ())
    causes += _dry_run_faults(dry_run)
    if causes:
        raise _invalid_options("DeleteOptions", causes)
    preconditions = given.get("preconditions") or {}
    options = DeleteOptions(
        grace_seconds=given.get("gracePeriodSeconds"),
        propagation=cast(Propagation, propagation),
        orphan_dependents=orphan,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
    )
    manager = manager_from_agent(request.headers.get("user-agent", ""))
    consultation = request.consultation
    return options, Call(request.user, now, manager, bool(dry_run), consultation=consultation)


# The types of a delete's options, as Go's decoder calls them.
_DELETE_TYPES: dict[str, tuple[type | tuple[type, ...], str]] = {
    "gracePeriodSeconds": (int, "int64"),
    "propagationPolicy": (str, "v1.DeletionPropagation"),
    "orphanDependents": (bool, "bool"),
    "dryRun": ((list, tuple), "[]string"),
    "preconditions": (dict, "v1.Preconditions"),
}


def _check_delete_types(given: dict[str, Any]) -> None:
    parts = {name: (given.get(name), *_DELETE_TYPES[name]) for name in _DELETE_TYPES}
    conditions = given.get("preconditions")
    if isinstance(conditions, dict):
        for name in ("uid", "resourceVersion"):
            parts[f"preconditions.{name}"] = (conditions.get(name), str, "string")
    for name, (value, type_, called) in parts.items():
        is_number = type_ is int and isinstance(value, bool)
        if value is not None and (is_number or not isinstance(value, type_)):
            raise bad_request(
                'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot '
                f"unmarshal {value!r} into Go struct field DeleteOptions.{name} of type {called}"
            )


def _delete_query(request: Request) -> dict[str, Any]:
    given: dict[str, Any] = {
        "gracePeriodSeconds": _integer(request, "gracePeriodSeconds"),
        "propagationPolicy": request.value("propagationPolicy"),
        "dryRun": request.values("dryRun"),
    }
    if request.value("orphanDependents"):
        given["orphanDependents"] = request.flag("orphanDependents")
    return given


def _integer(request: Request, name: str) -> int | None:
    text = request.value(name)
    if not text:
        return None
    number = signed_number(text)
    if number is None:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return number


def _invalid_options(kind: str, causes: list[Cause]) -> Failure:
    texts = [f"{cause['field']}: {cause['message']}" for cause in causes]
    said = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    details = {"group": "meta.k8s.io", "kind": kind, "causes": causes}
    return Failure(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {said}', details)


def patch_option_faults(request: Request, *, is_apply: bool) -> None:
    """Raise `Failure` for options that only one kind of patch has."""
    if not is_apply and request.flag("force"):
        cause = _forbidden("force", "may not be specified for non-apply patch")
        raise _invalid_options("PatchOptions", [cause])
    if is_apply and not request.value("fieldManager"):
        cause = _cause(
            "FieldValueRequired", "Required value: is required for apply patch", "fieldManager"
        )
        raise _invalid_options("PatchOptions", [cause])


def _cause(reason: str, message: str, field: str) -> Cause:
    return {"reason": reason, "message": message, "field": field}


def _forbidden(field: str, why: str) -> Cause:
    return _cause("FieldValueForbidden", f"Forbidden: {why}", field)


def _not_supported(field: str, value: str, supported: list[str]) -> Cause:
    listed = ", ".join(f'"{one}"' for one in supported)
    message = f'Unsupported value: "{value}": supported values: {listed}'
    return _cause("FieldValueNotSupported", message, field)
