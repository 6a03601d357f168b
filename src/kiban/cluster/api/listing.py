"""A collection as of a revision, whole or page by page.

Source: k8s.io/apiserver/pkg/storage/continue.go and B1.10 of the reference.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BinasciiError
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from kiban.cluster.api.failures import Failure, bad_request, expired
from kiban.cluster.api.options import ListOptions
from kiban.cluster.history import Expired, Stored
from kiban.cluster.store import Store
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import GroupKind, key_of
from kiban.primitives.digits import whole_number

TOKEN_VERSION = "meta.k8s.io/v1"
# A token with this revision goes on from now, giving up one consistent view.
FROM_NOW = -1


@dataclass(frozen=True, slots=True)
class Page:
    """Objects of one kind at one revision; `token` continues, `remaining` counts what is left."""

    items: Sequence[Stored]
    revision: int
    token: str = ""
    remaining: int | None = None


def listed(store: Store, info: KindInfo, namespace: str, options: ListOptions) -> Page:
    """The page of a collection that the options ask for. Raises `Failure`."""
    if options.continue_token:
        return _continued(store, info, namespace, options)
    revision = store.revision
    asked = _asked_version(options, revision)
    if options.match == "Exact" or (options.limit > 0 and asked and not options.match):
        revision = asked
    items = _state(store, info.group_kind, namespace, revision)
    if options.resource_version == "0":
        # Whatever the server's cache has, which it does not divide into pages.
        return Page(list(_chosen(items, options)), revision)
    return _page(_chosen(items, options), revision, options)


def _asked_version(options: ListOptions, current: int) -> int:
    """The version of the options, 0 for any. Raises `Failure` for one not reached yet."""
    text = options.resource_version
    if not text:
        return 0
    asked = whole_number(text)
    if asked is None:
        raise bad_request(
            f'invalid resource version: resourceVersion: Invalid value: "{text}": '
            f'strconv.ParseUint: parsing "{text}": invalid syntax'
        )
    if asked > current:
        raise too_large(asked, current)
    return asked


def too_large(asked: int, current: int) -> Failure:
    """A version of the future, after the wait that a replica that lags would need."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    details = {"causes": [cause], "retryAfterSeconds": 1}
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return Failure(504, "Timeout", message, details)


def _state(store: Store, kind: GroupKind, namespace: str, revision: int) -> Iterable[Stored]:
    if revision >= store.revision:
        return store.iterate(kind, namespace)
    try:
        return store.list_at(kind, namespace, revision)
    except Expired as error:
        raise expired(f"The resourceVersion for the provided list is too old: {error}") from error


def _chosen(items: Iterable[Stored], options: ListOptions) -> Iterable[Stored]:
    if options.labels.requirements:
        items = (item for item in items if options.labels.chooses(item.object))
    if options.fields.terms:
        items = (item for item in items if options.fields.chooses(item.object))
    return items


def _page(items: Iterable[Stored], revision: int, options: ListOptions) -> Page:
    found = list(items)
    limit = options.limit
    if limit <= 0 or len(found) <= limit:
        return Page(found, revision)
    left = None if options.selects else len(found) - limit
    return Page(found[:limit], revision, _token(revision, found[limit - 1]), left)


def _token(revision: int, last: Stored) -> str:
    start = f"{_place(last)}\0"
    body = orjson.dumps({"v": TOKEN_VERSION, "rv": revision, "start": start})
    return urlsafe_b64encode(body).decode().rstrip("=")


def _place(stored: Stored) -> str:
    key = key_of(stored.object)
    return f"{key.namespace}/{key.name}" if key.namespace else key.name


def _continued(store: Store, info: KindInfo, namespace: str, options: ListOptions) -> Page:
    revision, start = _read_token(options.continue_token)
    if options.resource_version not in ("", "0"):
        raise bad_request("specifying resource version is not allowed when using continue")
    if revision == FROM_NOW:
        revision = store.revision
    try:
        state = (
            store.iterate(info.group_kind, namespace)
            if revision >= store.revision
            else store.list_at(info.group_kind, namespace, revision)
        )
    except Expired:
        fresh = orjson.dumps({"v": TOKEN_VERSION, "rv": FROM_NOW, "start": start})
        raise ExpiredToken(urlsafe_b64encode(fresh).decode().rstrip("=")) from None
    rest = (item for item in state if _sorts_after(item, start))
    return _page(_chosen(rest, options), revision, options)


def _sorts_after(item: Stored, start: str) -> bool:
    """Whether an item comes at or after a token's place, in order of namespace and name."""
    return f"{_place(item)}\0" > start


class ExpiredToken(Failure):
    """The history no longer reaches back to a token's revision; carries a token that goes on."""

    def __init__(self, token: str) -> None:
        self.token = token
        super().__init__(
            410,
            "Expired",
            "The provided continue parameter is too old to display a consistent list result. You "
            "can start a new list without the continue parameter, or use the continue token in "
            "this response to retrieve the remainder of the results. Continuing with the provided "
            "token results in an inconsistent list - objects that were created, modified, or "
            "deleted between the time the first chunk was returned and now may show up in the "
            "list.",
        )

    def as_status(self) -> dict[str, object]:
        return {**super().as_status(), "metadata": {"continue": self.token}}


def _read_token(text: str) -> tuple[int, str]:
    try:
        data = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        version, revision, start = data["v"], int(data["rv"]), str(data["start"])
    except (BinasciiError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise bad_request(f"invalid continue token: continue key is not valid: {error}") from error
    if version != TOKEN_VERSION or ".." in start:
        raise bad_request("invalid continue token: continue key is not valid: unknown version")
    return revision, start
