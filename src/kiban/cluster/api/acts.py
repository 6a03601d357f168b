"""The bodies of acts: kinds that are posted to a part of an object and never stored."""

from kiban.cluster.api import bodies, form
from kiban.cluster.api.values import Request
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest
from kiban.kube.schema import shape_of
from kiban.kube.schema.reading import read


def _act(group: str, kind: str, type_name: str) -> KindInfo:
    return KindInfo(group, "v1", kind, "", "", True, type_name=type_name)


BINDING = _act("", "Binding", "io.k8s.api.core.v1.Binding")
EVICTION = _act("policy", "Eviction", "io.k8s.api.policy.v1.Eviction")
TOKEN_REQUEST = _act(
    "authentication.k8s.io", "TokenRequest", "io.k8s.api.authentication.v1.TokenRequest"
)


def act_of(request: Request, info: KindInfo) -> Manifest:
    """The act in a body, every field of its type. Raises `Failure`."""
    body, _ = bodies.object_of(request, info.kind)
    reading = read(body, shape_of(info))
    if reading.wrong:
        raise form.Misread(reading.wrong).in_body(info)
    return {"metadata": {}, **reading.object}
