"""Binary bodies: read whole, or refused; never in part."""

import random
from contextlib import suppress

import pytest

from kiban.cluster.api.protobuf import Unreadable, decoded
from kiban.kube.kinds import standard_kinds


def part(number: int, data: bytes | str | int) -> bytes:
    """One field on the wire."""
    if isinstance(data, int):
        return varint(number << 3) + varint(data)
    raw = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    type_ = part(1, api_version) + part(2, kind)
    return b"k8s\x00" + part(1, type_) + part(2, raw) + part(3, "") + part(4, "")


def test_a_config_map_is_read_whole() -> None:
    entry = part(1, "k") + part(2, "v" * 300)
    raw = part(1, part(1, "a") + part(3, "default") + part(8, b"")) + part(2, entry)
    assert decoded(body("v1", "ConfigMap", raw)) == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "default"},
        "data": {"k": "v" * 300},
    }


def test_bytes_become_base64_and_sent_zeros_stay() -> None:
    secret = decoded(body("v1", "Secret", part(2, part(1, "k") + part(2, b"\x00\xff"))))
    assert secret["data"] == {"k": "AP8="}
    deployment = decoded(body("apps/v1", "Deployment", part(2, part(1, 0))))
    assert deployment["spec"] == {"replicas": 0}


def test_an_empty_api_group_is_kept_in_its_list() -> None:
    role = decoded(body("rbac.authorization.k8s.io/v1", "Role", part(2, part(2, ""))))
    assert role["rules"] == [{"apiGroups": [""]}]


@pytest.mark.parametrize(
    "raw",
    [
        body("v1", "ConfigMap", part(99, "x")),
        body("v1", "Nowhere", b""),
        body("v1", "ConfigMap", part(1, part(1, "a")))[:-8],
        b"{}",
    ],
    ids=["unknown field", "unknown kind", "cut short", "no magic number"],
)
def test_what_is_not_understood_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        decoded(raw)


def test_quantities_and_inline_messages_are_read() -> None:
    cpu = part(1, "requests.cpu") + part(2, part(1, "500m"))
    quota = decoded(body("v1", "ResourceQuota", part(2, part(1, cpu) + part(2, "BestEffort"))))
    assert quota["spec"] == {"hard": {"requests.cpu": "500m"}, "scopes": ["BestEffort"]}
    service = part(4, part(1, "web") + part(2, part(2, 80)))
    path = part(1, part(1, "/") + part(3, "Prefix") + part(2, service))
    rule = part(1, "a.example.com") + part(2, part(1, path))
    ingress = decoded(body("networking.k8s.io/v1", "Ingress", part(2, part(3, rule))))
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    paths = [{"path": "/", "backend": backend, "pathType": "Prefix"}]
    assert ingress["spec"] == {"rules": [{"host": "a.example.com", "http": {"paths": paths}}]}


def test_every_part_of_a_pod_is_known_with_inline_messages_and_zeros_that_mean_something() -> None:
    reference = part(1, part(1, "settings")) + part(2, "mode")
    env = part(1, "MODE") + part(2, "") + part(3, part(3, reference))
    probe = part(1, part(2, part(1, "/up") + part(2, part(1, 1) + part(3, "web")))) + part(2, 0)
    container = part(1, "app") + part(7, env) + part(10, probe) + part(16, 0)
    volume = part(1, "data") + part(2, part(2, part(1, "")))
    security = part(14, part(5, 0) + part(3, 1))
    spec = part(1, volume) + part(2, container) + part(11, 0) + security
    pod = decoded(body("v1", "Pod", part(2, spec)))
    (found,) = pod["spec"]["containers"]
    assert found["env"] == [
        {
            "name": "MODE",
            "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}},
        }
    ]
    assert found["livenessProbe"] == {"httpGet": {"path": "/up", "port": "web"}}
    assert pod["spec"]["volumes"] == [{"name": "data", "emptyDir": {}}]
    assert pod["spec"]["securityContext"] == {"fsGroup": 0, "runAsNonRoot": True}
    assert "hostNetwork" not in pod["spec"]


def test_managed_fields_and_times_are_read() -> None:
    owned = part(1, "me") + part(4, part(1, 0)) + part(7, part(1, b'{"f:data":{}}'))
    found = decoded(body("v1", "ConfigMap", part(1, part(17, owned))))
    assert found["metadata"]["managedFields"] == [
        {"manager": "me", "time": "1970-01-01T00:00:00Z", "fieldsV1": {"f:data": {}}}
    ]
    beat = part(4, part(1, 1) + part(2, 250_000_000))
    lease = decoded(body("coordination.k8s.io/v1", "Lease", part(2, beat)))
    assert lease["spec"]["renewTime"] == "1970-01-01T00:00:01.250000Z"


def test_whatever_is_in_a_body_it_is_read_or_refused() -> None:
    dice, infos = random.Random(1), list(standard_kinds())
    numbers, texts = (0, 1, 80, 2**31, 2**63, 2**64 - 1), ("a", "", b"\xff\xfe", b'{"a":1}', b"{")

    def grown(depth: int) -> bytes:
        made = b""
        for _ in range(dice.randrange(4)):
            number, chance = dice.choice((1, 2, 3, 4, 5, 7, 8, 9, 14, 17, 20, 34)), dice.random()
            if chance < 0.3:
                made += part(number, dice.choice(numbers))
            else:
                made += part(number, grown(depth + 1) if depth < 5 else dice.choice(texts))
        return made if depth or dice.random() < 0.8 else made[:-2] + dice.randbytes(3)

    count = 0
    for _ in range(3000):
        info = dice.choice(infos)
        with suppress(Unreadable):
            assert decoded(body(info.api_version, info.kind, grown(0)))["kind"] == info.kind
            count += 1
    assert count > 100
