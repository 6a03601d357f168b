"""What is accepted with a warning."""

from typing import Any

import pytest
from tests.kube.manifests import config_map, container, deployment, pod

from kiban.kube.objects import Manifest
from kiban.kube.warnings import kind_warning, warnings_of

NAMED = {**pod(), "metadata": {"name": "p.with.dots"}}
SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}


@pytest.mark.parametrize(
    ("manifest", "warning"),
    [
        (
            pod(container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}])),
            'spec.containers[0].env[1]: hides previous definition of "A", '
            "which may be dropped when using apply",
        ),
        (
            deployment(container(ports=[{"containerPort": 80}, {"containerPort": 80}])),
            "spec.template.spec.containers[0].ports[1]: duplicate port definition with "
            "spec.template.spec.containers[0].ports[0]",
        ),
        (
            pod(container(resources={"requests": {"memory": "100m"}})),
            'spec.containers[0].resources.requests[memory]: fractional byte value "100m" '
            "is invalid, must be an integer",
        ),
        (
            pod(nodeSelector={"beta.kubernetes.io/os": "linux"}),
            "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; "
            'use "kubernetes.io/os" instead',
        ),
        (
            pod(topologySpreadConstraints=[SPREAD]),
            "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in "
            "matching no pod",
        ),
        (
            NAMED,
            "metadata.name: this is used in the Pod's hostname, which can result in surprising "
            "behavior; a DNS label is recommended: [must not contain dots]",
        ),
    ],
)
def test_what_may_surprise_is_said(manifest: Manifest, warning: str) -> None:
    assert warnings_of(manifest) == [warning]


@pytest.mark.parametrize("manifest", [pod(), deployment(), config_map()])
def test_ordinary_objects_give_no_warning(manifest: dict[str, Any]) -> None:
    assert warnings_of(manifest) == []


def test_a_deprecated_kind_is_told_on_every_request() -> None:
    assert kind_warning("v1", "Endpoints").startswith("v1 Endpoints is deprecated")
    assert kind_warning("v1", "Pod") == ""
