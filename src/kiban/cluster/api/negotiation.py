"""Which form of an answer a client wants (k8s.io/apiserver/pkg/endpoints/handlers/negotiation)."""

from dataclasses import dataclass
from typing import Literal

from kiban.cluster.api.failures import Failure
from kiban.cluster.api.values import JSON

YAML = "application/yaml"
_MEDIA: dict[str, Literal["json", "yaml"]] = {
    JSON: "json",
    "application/*": "json",
    "*/*": "json",
    YAML: "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
}
_TRANSFORMS = ("Table", "PartialObjectMetadata", "PartialObjectMetadataList")
_META_VERSIONS = ("v1", "v1beta1")


@dataclass(frozen=True, slots=True)
class Form:
    """JSON or YAML, and for objects possibly something else than themselves."""

    media: Literal["json", "yaml"] = "json"
    transform: Literal["", "Table", "PartialObjectMetadata"] = ""
    meta_version: str = "v1"

    @property
    def content_type(self) -> str:
        return YAML if self.media == "yaml" else JSON


PLAIN = Form()


def form_of(accept: str) -> Form:
    """The first clause that can be served. Raises `Failure` 406 when none can."""
    if not accept:
        return PLAIN
    for clause in accept.split(","):
        media, *parameters = (part.strip() for part in clause.split(";"))
        known = _MEDIA.get(media)
        if known is None:
            continue
        given = dict(pair.partition("=")[::2] for pair in parameters)
        transform = given.get("as", "")
        if not transform:
            if "g" in given and given["g"] != "meta.k8s.io":
                continue
            return Form(known)
        is_meta = given.get("g") == "meta.k8s.io" and given.get("v") in _META_VERSIONS
        if is_meta and transform == "Table":
            return Form(known, "Table", given["v"])
        if is_meta and transform in _TRANSFORMS:
            return Form(known, "PartialObjectMetadata", given["v"])
    raise Failure(
        406,
        "NotAcceptable",
        "only the following media types are accepted: application/json, application/yaml",
    )
