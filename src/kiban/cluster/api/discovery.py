"""What the server offers: groups, versions and kinds, in the old form and the aggregated one.

Source: k8s.io/apiserver/pkg/endpoints/discovery; B1.1 of the reference.
"""

from hashlib import blake2b
from typing import Any

import orjson

from kiban.cluster.api.negotiation import form_of
from kiban.cluster.api.rendering import value_response
from kiban.cluster.api.values import Request, Response
from kiban.kube.kinds import KindInfo, Kinds, Subresource
from kiban.kube.objects import Manifest

AGGREGATED_VERSIONS = ("v2", "v2beta1")
GROUP = "apidiscovery.k8s.io"


def discovered(request: Request, kinds: Kinds) -> Response:
    """The answer to a GET of /api, /apis or something below that names no kind."""
    parts = [part for part in request.path.split("/") if part]
    version = aggregated_version(request.headers.get("accept", ""))
    if version and len(parts) == 1:
        return _aggregated(request, kinds, version, legacy=parts[0] == "api")
    form = form_of(request.headers.get("accept", ""))
    match parts:
        case ["api"]:
            return value_response(_legacy_versions(), form)
        case ["apis"]:
            groups = [_group(name, kinds) for name in kinds.groups() if name]
            value = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
            return value_response(value, form)
        case ["apis", group] if group in kinds.groups():
            return value_response(
                {"kind": "APIGroup", "apiVersion": "v1", **_group(group, kinds)}, form
            )
        case ["api", number] if number in kinds.groups()[""]:
            return value_response(_resources("", number, kinds), form)
        case ["apis", group, number] if number in kinds.groups().get(group, ()):
            return value_response(_resources(group, number, kinds), form)
    return page_not_found()


def page_not_found() -> Response:
    """Nobody serves this path: the plain answer of Go's router, not a Status."""
    return Response(404, b"404 page not found\n", "text/plain; charset=utf-8")


def aggregated_version(accept: str) -> str:
    """The version of the aggregated form that a client asks for first, or nothing.

    The first clause that can be served decides, and plain JSON can always be served.
    """
    for clause in accept.split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        given = dict(pair.partition("=")[::2] for pair in parameters)
        if given.get("g") != GROUP or given.get("as") != "APIGroupDiscoveryList":
            if media == "application/json" and "as" not in given:
                return ""
            continue
        if given.get("v") in AGGREGATED_VERSIONS and given.get("profile", "nopeer") == "nopeer":
            return given["v"]
    return ""


# The old form


def _legacy_versions() -> Manifest:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def _group(name: str, kinds: Kinds) -> Manifest:
    versions = [
        {"groupVersion": f"{name}/{version}", "version": version}
        for version in kinds.groups()[name]
    ]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resources(group: str, version: str, kinds: Kinds) -> Manifest:
    entries: list[Manifest] = []
    for info in kinds.in_version(group, version):
        entries.append(_resource(info))
        entries += [_subresource(info, found) for found in info.subresources]
    # The oldest group answers in the oldest way, without saying its version.
    version_said = {"apiVersion": "v1"} if group else {}
    return {
        "kind": "APIResourceList",
        **version_said,
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": sorted(entries, key=lambda entry: str(entry["name"])),
    }


def _resource(info: KindInfo) -> Manifest:
    entry: dict[str, Any] = {
        "name": info.plural,
        "singularName": info.singular,
        "namespaced": info.namespaced,
        "kind": info.kind,
        "verbs": list(info.verbs),
    }
    if info.short_names:
        entry["shortNames"] = list(info.short_names)
    if info.categories:
        entry["categories"] = list(info.categories)
    return entry


def _subresource(info: KindInfo, found: Subresource) -> Manifest:
    own = {"group": found.group, "version": found.version} if found.version else {}
    return {
        "name": f"{info.plural}/{found.name}",
        "singularName": "",
        "namespaced": info.namespaced,
        **own,
        "kind": found.kind,
        "verbs": list(found.verbs),
    }


# The aggregated form


def _aggregated(request: Request, kinds: Kinds, version: str, *, legacy: bool) -> Response:
    items = [_aggregated_group(name, kinds) for name in kinds.groups() if (name == "") == legacy]
    value = {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"{GROUP}/{version}",
        "metadata": {},
        "items": items,
    }
    body = orjson.dumps(value)
    tag = f'"{blake2b(body, digest_size=16).hexdigest().upper()}"'
    headers = {"ETag": tag, "Vary": "Accept"}
    content_type = f"application/json;g={GROUP};v={version};as=APIGroupDiscoveryList"
    if request.headers.get("if-none-match") == tag:
        return Response(304, b"", content_type, headers)
    return Response(200, body, content_type, headers)


def _aggregated_group(name: str, kinds: Kinds) -> Manifest:
    versions = [
        {
            "version": version,
            "resources": [_aggregated_resource(info) for info in kinds.in_version(name, version)],
            "freshness": "Current",
        }
        for version in kinds.groups()[name]
    ]
    return {"metadata": {"name": name} if name else {}, "versions": versions}


def _aggregated_resource(info: KindInfo) -> Manifest:
    entry: dict[str, Any] = {
        "resource": info.plural,
        "responseKind": _response_kind(info, "", "", info.kind),
        "scope": "Namespaced" if info.namespaced else "Cluster",
        "singularResource": info.singular,
        "verbs": list(info.verbs),
    }
    if info.short_names:
        entry["shortNames"] = list(info.short_names)
    if info.categories:
        entry["categories"] = list(info.categories)
    if info.subresources:
        entry["subresources"] = [
            {
                "subresource": found.name,
                "responseKind": _response_kind(info, found.group, found.version, found.kind),
                "verbs": list(found.verbs),
            }
            for found in info.subresources
        ]
    return entry


def _response_kind(info: KindInfo, group: str, version: str, kind: str) -> Manifest:
    """Built-in kinds leave group and version to the list they stand in; custom ones say them."""
    if not info.type_name and not version:
        return {"group": info.group, "version": info.version, "kind": kind}
    return {"group": group, "version": version, "kind": kind}
