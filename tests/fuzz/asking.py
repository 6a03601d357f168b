"""Requests grown from seeds, and what must hold of every answer."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
from tests.cluster.kubelet.world import World
from tests.fuzz.growing import GOOD, NAMES, ODD, WIDGET, Dice

from kiban.cluster.api.calls import User
from kiban.cluster.api.values import Request
from kiban.cluster.controllers.catalog import controllers
from kiban.kube.kinds import KindInfo, standard_kinds
from kiban.kube.schema.builtin import shape_of

ADMIN = User("admin", ("system:masters",))
# More of a core's time than any one request may take.
PATIENCE_SECONDS = 3.0
# What Kubernetes itself answers 500 to: recorded, and kept.
KUBERNETES_OWN = (
    "failed to create typed patch object", "target.name: Required value", "error trying to reach",
    "resourceVersion: Invalid value", "resourceVersion should not be set", "no endpoints available",
    "Too large resource version", "does not contain declared merge key", "strconv.ParseUint",
    "no service port", "target.kind: Unsupported value",
    "the spec replicas field",
)  # fmt: skip
PATCHES = (
    "application/json-patch+json", "application/merge-patch+json",
    "application/strategic-merge-patch+json", "application/apply-patch+yaml",
)  # fmt: skip
PARTS = (
    "status", "scale", "eviction", "binding", "log", "token", "resize", "ephemeralcontainers",
    "proxy", "proxy/x", "exec", "attach", "portforward", "finalize", "approval", "rollback",
)  # fmt: skip
QUERY = {
    "watch": ("1", "true", "no"), "timeoutSeconds": ("0", "1", "-1", "9" * 30),
    "limit": ("0", "1", "-1", "9" * 30), "continue": ("", "e30", "x", "W10"),
    "resourceVersion": ("", "0", "1", "-1", "9" * 30, "x"),
    "resourceVersionMatch": ("Exact", "NotOlderThan", "x"), "sendInitialEvents": ("true", "x"),
    "allowWatchBookmarks": ("true",), "labelSelector": ("app=a", "a in (", "!a,", "=", "💥"),
    "fieldSelector": ("metadata.name=a", "spec.nodeName!=", "x=y", "=,", "status.phase=Running"),
    "dryRun": ("All", "x", ""), "fieldManager": ("m", "", "x" * 200, "\0"), "force": ("true", "x"),
    "fieldValidation": ("Strict", "Warn", "Ignore", "x"), "gracePeriodSeconds": ("0", "-1", "x"),
    "propagationPolicy": ("Orphan", "Foreground", "x"), "pretty": ("true",), "container": ("a", ""),
    "tailLines": ("1", "-1"), "command": ("a",), "ports": ("80", "x"), "follow": ("true",),
}  # fmt: skip
ACCEPTS = (
    "application/json", "application/yaml", "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io", "text/html", "", ";", "*/*",
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
)  # fmt: skip


def _infos() -> list[KindInfo]:
    every = list(standard_kinds())
    return every + [info for info in every if info.kind in GOOD] * 6


INFOS = _infos()
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/fuzz.example/v1/namespaces/default/widgets"


@dataclass
class Talk:
    """One conversation with one cluster, whose controllers and kubelet work meanwhile."""

    world: World = field(default_factory=lambda: World(controllers()))
    said: list[int] = field(default_factory=list)

    def send(self, request: Request) -> int:
        """Send a request, judge how it was answered, and give its status back."""
        cluster, store = self.world.cluster, self.world.cluster.store
        before, started = store.revision, time.process_time()
        response = cluster.handle(request, self.world.now)
        if response.stream is not None:
            response.stream.pull(self.world.now, store.revision)
        taken = time.process_time() - started
        body = response.body.decode()
        shown = (request.method, request.path, request.query, dict(request.headers), request.body)
        if response.status >= 500:
            assert any(words in body for words in KUBERNETES_OWN), (body[:400], shown)
        if response.status >= 400:
            assert store.revision == before, ("changed although refused", shown)
        if response.content_type == "application/json" and body:
            orjson.loads(body)
        assert taken < PATIENCE_SECONDS, (taken, shown)
        self.said.append(response.status)
        return response.status

    def go_on(self, seconds: float) -> None:
        """Let the controllers and the kubelet work on what there is."""
        self.world.run(seconds)


def grown_request(seed: int) -> Request:
    """The request of a seed."""
    dice = Dice(seed)
    if dice.chance(0.15):
        return _custom_request(dice)
    info = dice.choice(INFOS)
    method = dice.choice(("POST", "POST", "POST", "PUT", "PATCH", "PATCH", "DELETE", "GET", "GET"))
    space = "" if not info.namespaced or dice.chance(0.03) else "default"
    path = info.path(space)
    if method in ("PUT", "PATCH") or (method != "POST" and dice.chance(0.7)):
        path += f"/{dice.choice(NAMES)}"
    if dice.chance(0.15):
        path += f"/{dice.choice(PARTS)}"
    type_ = dice.choice(PATCHES) if method == "PATCH" else "application/json"
    query = [("fieldManager", "m")] if type_.startswith("application/apply") else []
    if dice.chance(0.25):
        names = dice.sample(sorted(QUERY), dice.choice((1, 1, 2, 3)))
        query += [(name, dice.choice(QUERY[name])) for name in names]
    headers = {"accept": "application/json", "content-type": type_, "user-agent": "fuzz/1"}
    if dice.chance(0.15):
        headers["accept"] = dice.choice(ACCEPTS)
    body = _body(dice, info, method, type_)
    return Request(method, path, tuple(query), headers, body, ADMIN)


def _custom_request(dice: Dice) -> Request:
    """One about a definition, or about an object of it."""
    about = dice.chance(0.4)
    path, name = (
        (DEFINITIONS, WIDGET["metadata"]["name"]) if about else (WIDGETS, dice.choice(NAMES))
    )
    whole = dice.definition() if about else dice.widget()
    method = dice.choice(("POST", "POST", "PUT", "PATCH", "PATCH", "GET"))
    type_ = dice.choice((PATCHES[1], PATCHES[3])) if method == "PATCH" else "application/json"
    if method in ("PUT", "PATCH") or dice.chance(0.3 if method == "GET" else 0):
        path += f"/{name}"
    if dice.chance(0.2):
        path += f"/{dice.choice(('status', 'scale'))}"
    query = (("fieldManager", "m"), ("fieldValidation", dice.choice(("Strict", "Warn", "Ignore"))))
    headers = {"accept": dice.choice(ACCEPTS[:4]), "content-type": type_, "user-agent": "fuzz/1"}
    body = b"" if method == "GET" else json.dumps(whole, allow_nan=False).encode()
    return Request(method, path, query, headers, body, ADMIN)


def _body(dice: Dice, info: KindInfo, method: str, type_: str) -> bytes:
    if method == "GET":
        return b""
    value: Any = dice.object(info)
    if method == "DELETE":
        grace = dice.choice((0, 1, None))
        policy = dice.choice(("Orphan", "Foreground", "Background", "x", None))
        value = dice.bent({"gracePeriodSeconds": grace, "propagationPolicy": policy})
        if dice.chance(0.5):
            return b""
    elif type_ == PATCHES[0]:
        value = [_operation(dice, value) for _ in range(dice.choice((0, 1, 2, 3)))]
    elif type_ in PATCHES[1:3] and dice.chance(0.7):
        value = dice.bent(dice.grown(shape_of(info)))
    # The writer of the standard library says any number, and text that is none.
    return json.dumps(value, allow_nan=False).encode()


def _operation(dice: Dice, whole: dict[str, Any]) -> dict[str, Any]:
    path, value = "", dice.choice((*ODD, whole))
    at: Any = whole
    while isinstance(at, dict | list) and at and dice.chance(0.8):
        key = dice.choice(sorted(at)) if isinstance(at, dict) else dice.randrange(len(at))
        path += f"/{str(key).replace('~', '~0').replace('/', '~1')}"
        at = at[key]
    path = dice.choice((path, path, path, path + "/-", path + "/x", "x", ""))
    kind = dice.choice(("add", "replace", "remove", "test", "copy", "move"))
    return {"op": kind, "path": path, "from": dice.choice((path, "/metadata")), "value": value}
