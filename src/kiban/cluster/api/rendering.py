"""Objects, collections and refusals as bytes, in the form a client asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from kiban.cluster.api.failures import Failure
from kiban.cluster.api.listing import Page
from kiban.cluster.api.negotiation import Form
from kiban.cluster.api.values import Response
from kiban.cluster.api.yaml_answers import yaml_answer
from kiban.cluster.history import Stored, items_of
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest
from kiban.kube.printing import Printer
from kiban.primitives.instants import Instant

# Turns a stored object into one of the version that the path names.
Convert = Callable[[Manifest], Manifest]


@dataclass(frozen=True, slots=True)
class Shown:
    """How objects are to be shown: in which form, with how much of them in a table's rows
    (`includeObject`), and at which time, since ages are told."""

    form: Form
    now: Instant
    include: str = "Metadata"


def partial(manifest: Manifest, form: Form) -> Manifest:
    """Nothing but the metadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": f"meta.k8s.io/{form.meta_version}",
        "metadata": manifest["metadata"],
    }


def table(
    manifests: Sequence[Manifest],
    shown: Shown,
    metadata: Manifest,
    printer: Printer,
    *,
    headed: bool = True,
) -> Manifest:
    """Objects as rows; each row holds as much of its object as was asked for."""
    if shown.include == "None":
        rows: list[tuple[Manifest, Any]] = [(manifest, None) for manifest in manifests]
    elif shown.include == "Object":
        rows = [(manifest, manifest) for manifest in manifests]
    else:
        rows = [(manifest, partial(manifest, shown.form)) for manifest in manifests]
    made = printer.table(rows, shown.now, metadata, headed=headed)
    return {**made, "apiVersion": f"meta.k8s.io/{shown.form.meta_version}"}


def encoded(value: Any, form: Form) -> bytes:
    if form.media == "yaml":
        return yaml_answer(value)
    return orjson.dumps(value)


def value_response(value: Any, form: Form, status: int = 200) -> Response:
    return Response(status, encoded(value, form), form.content_type)


def failure_response(failure: Failure, form: Form) -> Response:
    """A `Status`; it is never shown as a table."""
    response = value_response(failure.as_status(), form, failure.code)
    response.warnings = failure.warnings
    retry = (failure.details or {}).get("retryAfterSeconds")
    if retry:
        response.headers["Retry-After"] = str(retry)
    return response


def page_metadata(page: Page) -> Manifest:
    metadata: Manifest = {"resourceVersion": str(page.revision)}
    if page.token:
        metadata["continue"] = page.token
    if page.remaining is not None:
        metadata["remainingItemCount"] = page.remaining
    return metadata


def list_response(
    info: KindInfo, page: Page, shown: Shown, printer: Printer, convert: Convert | None = None
) -> Response:
    """A collection: `kind`, `metadata`, `items`. Stored JSON is joined, not made again."""
    metadata, form = page_metadata(page), shown.form
    if form.transform == "Table":
        manifests = [_whole(stored, convert) for stored in page.items]
        return value_response(table(manifests, shown, metadata, printer), form)
    if form.transform == "PartialObjectMetadata":
        items = [partial(stored.object, form) for stored in page.items]
        version = f"meta.k8s.io/{form.meta_version}"
        kind = "PartialObjectMetadataList"
        value = {"kind": kind, "apiVersion": version, "metadata": metadata, "items": items}
        return value_response(value, form)
    head = {"kind": info.list_kind_name, "apiVersion": info.api_version, "metadata": metadata}
    if form.media == "yaml":
        items = [_item(info, stored, convert) for stored in page.items]
        return value_response({**head, "items": items}, form)
    # Put together in one go, for it may be tens of megabytes.
    joined = _joined(info, page.items, convert)
    body = b"".join((orjson.dumps(head)[:-1], b',"items":[', joined, b"]}"))
    return Response(200, body, form.content_type)


def _joined(info: KindInfo, items: Sequence[Stored], convert: Convert | None) -> bytes:
    if convert is None:
        # Items of built-in kinds do not repeat their kind; custom resources do.
        if info.type_name:
            return items_of(items)
        return b",".join([stored.encoded for stored in items])
    return b",".join(orjson.dumps(_item(info, stored, convert)) for stored in items)


def _whole(stored: Stored, convert: Convert | None) -> Manifest:
    return convert(stored.object) if convert else stored.object


def _item(info: KindInfo, stored: Stored, convert: Convert | None) -> Manifest:
    shown = _whole(stored, convert)
    if not info.type_name:
        return shown
    return {key: value for key, value in shown.items() if key not in ("kind", "apiVersion")}
