"""Requests for certificates: whose they are, who decides, what is signed, and when they go."""

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kiban.adapters.api_server.authority import Authority
from kiban.adapters.api_server.certificates import server_identity
from kiban.cluster.api.calls import User
from kiban.cluster.api.values import Request, Response
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.certificate_signing import CertificateSigningController
from kiban.primitives.instants import Instant, later

NOW = Instant(1_800_000_000_000_000)
REQUESTS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
ADMIN = User("admin", ("system:masters",))
ANN = User("ann", ("devs", "system:authenticated"))
APPROVED = {"type": "Approved", "status": "True", "reason": "KubectlApprove", "message": "yes"}
DENIED = {**APPROVED, "type": "Denied"}


class World:
    """A cluster that signs, on a virtual clock."""

    def __init__(self, directory: Path) -> None:
        self.now = NOW
        authority = Authority(server_identity(directory))
        controllers = [CertificateSigningController(authority)]
        self.cluster: Cluster = assembled(1, controllers, signer=authority)
        self.cluster.bootstrap(NOW)

    def __call__(self, method: str, path: str, body: Any = None, user: User = ADMIN) -> Response:
        raw = orjson.dumps(body) if body is not None else b""
        headers = {"content-type": "application/json"}
        answer = self.cluster.handle(Request(method, path, (), headers, raw, user), self.now)
        self.pass_time(0)
        return answer

    def pass_time(self, seconds: float) -> None:
        self.now = later(self.now, seconds)
        while (due := self.cluster.next_due()) is not None and due <= self.now:
            self.cluster.step(self.now)

    def json(self, *args: Any, **options: Any) -> Any:
        return orjson.loads(self(*args, **options).body)

    def decide(self, condition: dict[str, str], user: User = ADMIN) -> Response:
        found = self.json("GET", f"{REQUESTS}/r")
        conditions = [*found["status"].get("conditions", []), condition]
        wished = {**found, "status": {**found["status"], "conditions": conditions}}
        return self("PUT", f"{REQUESTS}/r/approval", wished, user)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def request_of(*groups: str, name: str = "bob") -> str:
    """A request for a certificate, as openssl makes one."""
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*names, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key = ec.generate_private_key(ec.SECP256R1())
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def signing_request(request: str, **spec: Any) -> dict[str, Any]:
    wish = {
        "request": request,
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
        **spec,
    }
    kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    return {**kind, "metadata": {"name": "r"}, "spec": wish}


def allow(world: World, user: User, verb: str, resource: str, *names: str) -> None:
    """Give a user a right on kinds of this group."""
    path = "/apis/rbac.authorization.k8s.io/v1"
    version = "rbac.authorization.k8s.io/v1"
    base: dict[str, Any] = {"apiVersion": version, "metadata": {"name": f"{verb}-it"}}
    rule = {"apiGroups": ["certificates.k8s.io"], "resources": [resource], "verbs": [verb]}
    rules = [{**rule, "resourceNames": list(names)} if names else rule]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole"}
    binding = {
        **base,
        "kind": "ClusterRoleBinding",
        "roleRef": {**reference, "name": f"{verb}-it"},
        "subjects": [{"kind": "User", "name": user.name}],
    }
    role = {**base, "kind": "ClusterRole", "rules": rules}
    assert world("POST", f"{path}/clusterroles", role).status == 201
    assert world("POST", f"{path}/clusterrolebindings", binding).status == 201


def test_an_approved_request_is_signed_for_whom_it_names(world: World) -> None:
    body = signing_request(request_of("devs", "ops"), expirationSeconds=3600)
    assert world("POST", REQUESTS, body).status == 201
    assert "certificate" not in world.json("GET", f"{REQUESTS}/r")["status"]
    assert world.decide(APPROVED).status == 200
    status = world.json("GET", f"{REQUESTS}/r")["status"]
    found = x509.load_pem_x509_certificate(base64.b64decode(status["certificate"]))
    assert found.subject.rfc4514_string() == "CN=bob,O=ops,O=devs"
    assert found.not_valid_after_utc.timestamp() == NOW / 1_000_000 + 3600


def test_a_request_is_its_maker_s_whatever_it_says(world: World) -> None:
    allow(world, ANN, "create", "certificatesigningrequests")
    body = signing_request(request_of(), username="admin", groups=["system:masters"])
    spec = world.json("POST", REQUESTS, body, user=ANN)["spec"]
    assert (spec["username"], spec["groups"]) == ("ann", list(ANN.groups))
    changed = signing_request(request_of(name="eve"))
    assert world.json("PUT", f"{REQUESTS}/r", changed)["spec"] == spec


def test_who_may_approve_needs_the_right_to_the_signer_too(world: World) -> None:
    world("POST", REQUESTS, signing_request(request_of()))
    allow(world, ANN, "update", "certificatesigningrequests/approval")
    refused = world.decide(APPROVED, ANN)
    assert refused.status == 403
    assert b"not permitted to approve requests with signerName" in refused.body
    allow(world, ANN, "approve", "signers", "kubernetes.io/*")
    assert world.decide(APPROVED, ANN).status == 200


def test_a_decision_is_never_taken_back(world: World) -> None:
    world("POST", REQUESTS, signing_request(request_of()))
    assert world.decide(DENIED).status == 200
    assert world.decide(APPROVED).status == 422
    found = world.json("GET", f"{REQUESTS}/r")
    undecided = {**found, "status": {}}
    assert world("PUT", f"{REQUESTS}/r/approval", undecided).status == 422
    assert "certificate" not in world.json("GET", f"{REQUESTS}/r")["status"]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (
            signing_request(request_of("system:masters")),
            403,
            b"masters group is not allowed",
        ),
        (signing_request("aGVsbG8="), 422, b"PEM block type must be CERTIFICATE REQUEST"),
        (signing_request(request_of(), expirationSeconds=599), 422, b"less than 600 seconds"),
        (signing_request(request_of(), usages=[]), 422, b"spec.usages: Required value"),
        (signing_request(request_of(), signerName="x"), 422, b"fully qualified"),
    ],
)
def test_what_cannot_be_signed_is_refused(
    world: World, body: dict[str, Any], status: int, said: bytes
) -> None:
    answer = world("POST", REQUESTS, body)
    assert answer.status == status
    assert said in answer.body


def test_usages_of_servers_fail_and_other_signers_are_left_alone(world: World) -> None:
    world("POST", REQUESTS, signing_request(request_of(), usages=["server auth"]))
    world.decide(APPROVED)
    status = world.json("GET", f"{REQUESTS}/r")["status"]
    assert [c["type"] for c in status["conditions"]] == ["Approved", "Failed"]
    assert "certificate" not in status
    world("DELETE", f"{REQUESTS}/r")
    world("POST", REQUESTS, signing_request(request_of(), signerName="example.com/own"))
    world.decide(APPROVED)
    assert "certificate" not in world.json("GET", f"{REQUESTS}/r")["status"]


def test_requests_go_when_they_have_ended(world: World) -> None:
    world("POST", REQUESTS, signing_request(request_of()))
    world.decide(APPROVED)
    world.pass_time(3599)
    assert world("GET", f"{REQUESTS}/r").status == 200
    world.pass_time(2)
    assert world("GET", f"{REQUESTS}/r").status == 404
