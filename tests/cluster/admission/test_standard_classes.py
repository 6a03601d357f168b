"""Classes that claims and ingresses get, claims that may grow, and what volumes tell."""

from typing import Any

CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
INGRESSES = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
MERGE = "application/merge-patch+json"


def claim(name: str, **spec: Any) -> dict[str, Any]:
    size = {"requests": {"storage": "1Gi"}}
    return {
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": size, **spec},
    }


def storage_class(name: str, **rest: Any) -> dict[str, Any]:
    marks = {"storageclass.kubernetes.io/is-default-class": "true"}
    return {"metadata": {"name": name, "annotations": marks}, "provisioner": "a.b/c", **rest}


def test_a_claim_without_a_class_gets_the_newest_default_class(api: Any) -> None:
    for name in ("first", "second"):
        assert api("POST", CLASSES, storage_class(name)).status == 201
    assert api.json("POST", CLAIMS, claim("a"))["spec"]["storageClassName"] == "second"
    without = api.json("POST", CLAIMS, claim("b", storageClassName=""))
    assert without["spec"]["storageClassName"] == ""


def test_an_ingress_without_a_class_gets_the_default_class(api: Any) -> None:
    marks = {"ingressclass.kubernetes.io/is-default-class": "true"}
    parameters = {"kind": "K", "name": "n", "apiGroup": "g"}
    made = api.json(
        "POST",
        "/apis/networking.k8s.io/v1/ingressclasses",
        {
            "metadata": {"name": "ic", "annotations": marks},
            "spec": {"controller": "a.b/c", "parameters": parameters},
        },
    )
    assert made["spec"]["parameters"] == {**parameters, "scope": "Cluster"}
    backend = {"service": {"name": "s", "port": {"number": 80}}}
    ingress = {"metadata": {"name": "i"}, "spec": {"defaultBackend": backend}}
    assert api.json("POST", INGRESSES, ingress)["spec"]["ingressClassName"] == "ic"


def test_a_claim_tells_its_source_twice(api: Any) -> None:
    source = {"kind": "PersistentVolumeClaim", "name": "x"}
    spec = api.json("POST", CLAIMS, claim("a", dataSource=source))["spec"]
    assert (spec["dataSource"], spec["dataSourceRef"]) == (source, source)
    spec = api.json("POST", CLAIMS, claim("b", dataSourceRef=source))["spec"]
    assert (spec["dataSource"], spec["dataSourceRef"]) == (source, source)


def test_a_bound_claim_grows_only_if_its_class_allows_it(api: Any) -> None:
    assert api("POST", CLASSES, storage_class("fixed")).status == 201
    api("POST", CLASSES, storage_class("growing", allowVolumeExpansion=True))
    more = {"spec": {"resources": {"requests": {"storage": "2Gi"}}}}
    for name in ("fixed", "growing"):
        api("POST", CLAIMS, claim(name, storageClassName=name))
        bound = {"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}
        api("PATCH", f"{CLAIMS}/{name}/status", bound, content_type=MERGE)
    refused = api.json("PATCH", f"{CLAIMS}/fixed", more, content_type=MERGE)
    assert refused["message"] == (
        'persistentvolumeclaims "fixed" is forbidden: only dynamically provisioned pvc can be '
        "resized and the storageclass that provisions the pvc must support resize"
    )
    assert api("PATCH", f"{CLAIMS}/growing", more, content_type=MERGE).status == 200


def test_a_volume_tells_since_when_it_is_in_its_phase(api: Any) -> None:
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/x"},
    }
    volumes = "/api/v1/persistentvolumes"
    made = api.json("POST", volumes, {"metadata": {"name": "v"}, "spec": spec})
    assert made["status"] == {
        "phase": "Pending",
        "lastPhaseTransitionTime": made["metadata"]["creationTimestamp"],
    }
    freed = {"status": {"phase": "Available"}}
    after = api.json("PATCH", f"{volumes}/v/status", freed, content_type=MERGE)
    assert after["status"]["lastPhaseTransitionTime"] > made["metadata"]["creationTimestamp"]
