"""Whatever a client sends: an answer in good time, no error of ours, and no change when refused.

The dice are seeded; a seed that finds a fault stays here as a test with a name.
"""

import random
import time
from typing import Any

import orjson
import pytest
from tests.cluster.api.conftest import Client

from kiban.cluster.api.values import Request
from kiban.kube.kinds import KindInfo, standard_kinds
from kiban.primitives.instants import later

REQUESTS = 1500
# More of a core's time than any one request may take.
PATIENCE_SECONDS = 2.0
# What Kubernetes itself answers 500 to: recorded, and kept.
KUBERNETES_OWN = (
    "failed to create typed patch object",
    "target.name: Required value",
    "resourceVersion: Invalid value",
    "resourceVersion should not be set",
    "Too large resource version",
    "does not contain declared merge key",
    "strconv.ParseUint",
)
TEMPLATE = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 80}]}]},
}
WORKLOAD = {"spec": {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}}
GOOD: dict[str, Any] = {
    "Pod": {"spec": TEMPLATE["spec"]},
    "Deployment": WORKLOAD,
    "StatefulSet": WORKLOAD,
    "Job": {
        "spec": {"template": {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}}
    },
    "Service": {"spec": {"selector": {"a": "b"}, "ports": [{"port": 80}]}},
    "ConfigMap": {"data": {"a": "b"}},
    "Secret": {"data": {"a": "Yg=="}},
    "ResourceQuota": {"spec": {"hard": {"pods": "3"}}},
    "PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}},
    "Namespace": {},
    "TokenReview": {"spec": {"token": "x"}},
}
FIELDS = sorted({*GOOD, "metadata", "name", "labels", "spec", "status", "finalizers", "replicas"})
ODD: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, 2**64 - 1, 1e308, -0.0, "", "a", "\0", "💥", "x" * 300,
    "../..", "-5", "10Gi", "1e99999", "9" * 5000 + "Gi", [], {}, [None], [[]], [{}], {"": None},
    "100%", {"$patch": "delete"}, {"$patch": "replace"},
    {"$setElementOrder/containers": [{"name": "a"}]},
    {"$retainKeys": ["a"]}, {"$deleteFromPrimitiveList/finalizers": ["x"]}, ["a", "a"],
]  # fmt: skip
QUERY_NAMES = (
    "watch", "timeoutSeconds", "limit", "continue", "resourceVersion", "resourceVersionMatch",
    "labelSelector", "fieldSelector", "sendInitialEvents", "allowWatchBookmarks", "dryRun",
    "fieldManager", "force", "fieldValidation", "gracePeriodSeconds", "propagationPolicy",
    "orphanDependents", "includeObject", "tailLines", "sinceTime", "ports",
)  # fmt: skip
QUERY_VALUES = (
    "", "true", "false", "1", "0", "-1", "9" * 20, "9" * 5000, "²", "٣", "1_000", "abc", "Exact",
    "NotOlderThan", "All", "a=b", "a in (b,c)", "a in (", "metadata.name=x", "spec.nodeName!=a,",
    "=,=", "\0", "💥", "e30", "!!!", "bnVsbA", "W10", "Strict", "Foreground", "Orphan", " 5", "nan",
    "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MWUzMDgsInN0YXJ0IjpudWxsfQ",
)  # fmt: skip
TYPES = (
    "application/json", "application/yaml", "application/merge-patch+json", "text/plain", "",
    "application/json-patch+json", "application/strategic-merge-patch+json",
    "application/apply-patch+yaml", "application/vnd.kubernetes.protobuf",
)  # fmt: skip
ACCEPTS = (
    "application/json", "", ";;;", "text/html", "application/yaml", "application/json;as",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
)  # fmt: skip
LAUGHS = b"a0: &a0 [x,x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12)
)
BOMBS = (
    b"[" * 100_000, b'{"a":' * 50_000, b"[" * 900 + b"]" * 900, b'{"a":' * 900 + b"1" + b"}" * 900,
    b"- " * 20_000 + b"a", b"{a: " * 20_000, LAUGHS, b"a: &a {b: *a}", b"&a [*a]", b"\xff\xfe",
    b'{"a":"\xff"}', b'{"metadata":{"name":"\\ud800"}}', b"!!python/object:os.system x",
    b"a: !!binary \xff", b"? [a]\n: b", b"? {a: b}\n: c", b"1: 2\n", b"a: .inf\nb: .nan", b"a: <<",
    b"a: " + b"9" * 5000, b'{"a":' + b"9" * 5000 + b"}", b'{"a":1e400}', b"<<: [1]", b"!!set {a}",
    b"a: !!omap [b: c]", b"k8s\0", b"k8s\0\x0a\0\x12\0", b"k8s\0" + b"\xff" * 60, b"\0" * 50, b"[]",
    b"null", b"3", b'"x"', b"", b" ", b"{}", b"\xef\xbb\xbf{}",
)  # fmt: skip
ODD_PATHS = (
    "", "//", "/\0", "/apis/x", "/openapi/v3/../x", "/readyz/x", "/apis//v1/x", "/api/v1/watch",
    "/api/v1/namespaces//pods", "/api/v1/" + "a/" * 500, "/apis/apps/v1/namespaces/%00/x",
)  # fmt: skip


class Dice(random.Random):
    """Requests that are mostly almost right."""

    def chance(self, part: float) -> bool:
        return self.random() < part

    def mutated(self, value: Any) -> Any:
        if self.chance(0.06):
            return self.choice(ODD)
        if isinstance(value, dict):
            kept = {key: self.mutated(item) for key, item in value.items() if self.chance(0.98)}
            return {**kept, self.choice(FIELDS): self.choice(ODD)} if self.chance(0.1) else kept
        if isinstance(value, list):
            return [self.mutated(item) for item in value] * self.choice((1, 1, 1, 2))
        return value

    def operations(self) -> Any:
        paths = ["", "/", "/spec", "/data/a", "/metadata", "/metadata/name", "/kind", "/~2", None]
        kinds = ["add", "remove", "replace", "move", "copy", "test", "x", None, [], {}]
        return [
            {
                "op": self.choice(kinds),
                "path": self.choice([*paths, "/spec/containers/²", "/spec/containers/-"]),
                "from": self.choice(paths),
                "value": self.choice(ODD),
            }
            for _ in range(self.randrange(4))
        ]

    def request(self, infos: list[KindInfo]) -> tuple[str, str, dict[str, str], Any]:
        """Method, path, headers and the body as data."""
        info = self.choice(infos)
        name = self.choice(["a", "a", "b", "default", "A", "..", "x" * 254, "\0"])
        path = info.path(self.choice(["default", "kube-system", "none"]) if info.namespaced else "")
        method = self.choice(["GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"])
        metadata = {"name": name, "namespace": "default"}
        whole = {"apiVersion": info.api_version, "kind": info.kind, "metadata": metadata}
        body: Any = self.mutated({**whole, **GOOD.get(info.kind, {})})
        type_ = self.choice(TYPES[2:]) if method == "PATCH" else "application/json"
        if method != "POST" and self.chance(0.8):
            path += f"/{name}"
        if self.chance(0.15):
            path += "/" + self.choice(
                ["status", "scale", "eviction", "binding", "log", "token", "x"]
            )
        if type_ == "application/json-patch+json":
            body = self.operations()
        if method == "DELETE":
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": "x"}, "dryRun": ["All"]}
            body = self.choice([None, self.mutated(options)])
        if self.chance(0.03):
            path = self.choice(ODD_PATHS)
        accept = self.choice(ACCEPTS) if self.chance(0.1) else "application/json"
        type_ = self.choice(TYPES) if self.chance(0.05) else type_
        return method, path, {"accept": accept, "content-type": type_, "user-agent": "t"}, body

    def query(self) -> tuple[tuple[str, str], ...]:
        count = self.choice((0, 0, 1, 2, 3))
        pairs = [(self.choice(QUERY_NAMES), self.choice(QUERY_VALUES)) for _ in range(count)]
        return (("fieldManager", "m"), *pairs) if self.chance(0.3) else tuple(pairs)


def answered(api: Client, request: Request) -> int:
    """Send a request, judge how it was answered, and give its status back."""
    before, started = api.cluster.store.revision, time.process_time()
    api.now = later(api.now, 1)
    response = api.cluster.handle(request, api.now)
    if response.stream is not None:
        response.stream.pull(api.now, api.cluster.store.revision)
    taken = time.process_time() - started
    said = response.body.decode()
    shown = (request.method, request.path[:200], request.query, request.headers, request.body[:800])
    if response.status >= 500:
        assert any(words in said for words in KUBERNETES_OWN), (shown, said[:300])
    if response.status >= 400:
        assert api.cluster.store.revision == before, ("changed although refused", shown)
        if response.content_type == "application/json":
            assert orjson.loads(said)["code"] == response.status
    assert taken < PATIENCE_SECONDS, (taken, shown)
    return response.status


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_no_request_breaks_the_server(api: Client, seed: int) -> None:
    dice = Dice(seed)
    infos = list(standard_kinds())
    infos += [info for info in infos if info.kind in GOOD] * 8
    statuses = []
    for _ in range(REQUESTS):
        method, path, headers, body = dice.request(infos)
        data = b"" if body is None else orjson.dumps(body)
        if dice.chance(0.06):
            data = dice.choice(BOMBS)
        request = Request(method, path, dice.query(), headers, data, api.user)
        statuses.append(answered(api, request))
    assert sum(status < 300 for status in statuses) > REQUESTS / 20


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
def test_no_body_is_a_bomb(api: Client, method: str, type_: str) -> None:
    path = "/api/v1/namespaces/default/configmaps" + ("" if method == "POST" else "/a")
    headers = {"accept": "application/json", "content-type": type_}
    for bomb in BOMBS:
        request = Request(method, path, (("fieldManager", "m"),), headers, bomb, api.user)
        assert answered(api, request) >= 400 or bomb in (b"{}", b"null", b"", b" ", b"a: <<")


def test_a_patch_cannot_turn_an_object_into_another_kind(api: Client) -> None:
    api("POST", "/api/v1/namespaces/default/configmaps", {"metadata": {"name": "a"}})
    path = "/api/v1/namespaces/default/configmaps/a"
    patch = {"kind": "Secret"}
    refused = api("PATCH", path, patch, content_type="application/merge-patch+json")
    assert refused.status == 400
    assert api.json("GET", path)["kind"] == "ConfigMap"
