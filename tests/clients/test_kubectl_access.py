"""kubectl's way with identities, unmodified: certificates approved, others impersonated, tokens."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.clients.conftest import Running, until

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
PEM = serialization.Encoding.PEM


def test_a_certificate_that_was_approved_lets_its_owner_in(
    cluster: Running, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = [
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "devs"),
        x509.NameAttribute(NameOID.COMMON_NAME, "ann"),
    ]
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(name))
    request = builder.sign(key, hashes.SHA256()).public_bytes(PEM)
    spec = {
        "request": base64.b64encode(request).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
    }
    kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    cluster.apply({**kind, "metadata": {"name": "ann"}, "spec": spec})
    cluster.kubectl("certificate", "approve", "ann")
    path = "jsonpath={.status.certificate}"
    until(lambda: bool(cluster.kubectl("get", "csr", "ann", "-o", path)))
    certificate = base64.b64decode(cluster.kubectl("get", "csr", "ann", "-o", path))
    (tmp_path / "ann.crt").write_bytes(certificate)
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "ann.key").write_bytes(key.private_bytes(PEM, *private))
    shown = {"client-certificate": "ann.crt", "client-key": "ann.key"}
    options = [f"--{option}={tmp_path / file}" for option, file in shown.items()]
    options += ["--kubeconfig=/dev/null", f"--certificate-authority={cluster.facts['ca']}"]
    found = subprocess.run(
        ["kubectl", *options, f"--server={cluster.facts['server']}", "auth", "whoami", "-ojson"],
        capture_output=True,
        text=True,
        check=True,
    )
    info = json.loads(found.stdout)["status"]["userInfo"]
    assert info == {"username": "ann", "groups": ["devs", "system:authenticated"]}


def test_acting_as_others_asks_with_their_rights(cluster: Running) -> None:
    as_ann = ("--as", "ann", "--as-group", "devs", "--as-group", "ops")
    who = json.loads(cluster.kubectl("auth", "whoami", "-o", "json", *as_ann))
    assert who["status"]["userInfo"]["groups"] == ["devs", "ops", "system:authenticated"]
    cluster.kubectl("create", "rolebinding", "devs-view", "--clusterrole=view", "--group=devs")
    assert cluster.kubectl("auth", "can-i", "list", "pods", *as_ann).strip() == "yes"
    account = ("--as", "system:serviceaccount:default:default")
    who = json.loads(cluster.kubectl("auth", "whoami", "-o", "json", *account))
    assert "system:serviceaccounts:default" in who["status"]["userInfo"]["groups"]


def test_a_token_is_its_account_s(cluster: Running) -> None:
    token = cluster.kubectl("create", "token", "default").strip()
    review = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": token},
    }
    made = cluster.kubectl("create", "-o", "json", "-f", "-", given=json.dumps(review))
    status = json.loads(made)["status"]
    assert status["authenticated"]
    assert status["user"]["username"] == "system:serviceaccount:default:default"
