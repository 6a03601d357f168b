"""What a namespace, its bounds and the cluster's policies let in."""

from typing import Any

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
REGISTRATION = "/apis/admissionregistration.k8s.io/v1"


def pod(name: str, **container: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "c", "image": "x", **container}]}
    return {"metadata": {"name": name}, "spec": spec}


def policy(**spec: Any) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["*"]}
    return {
        "metadata": {"name": "p"},
        "spec": {"matchConstraints": {"resourceRules": [rule]}, **spec},
    }


def bind(api: Any, *actions: str) -> None:
    spec = {"policyName": "p", "validationActions": list(actions)}
    body = {"metadata": {"name": "b"}, "spec": spec}
    assert api("POST", f"{REGISTRATION}/validatingadmissionpolicybindings", body).status == 201


def test_a_policy_denies_with_its_reason_and_message(api: Any) -> None:
    validation = {
        "expression": "variables.keys < 2",
        "messageExpression": "'got ' + string(variables.keys)",
        "reason": "Forbidden",
    }
    keys = {"name": "keys", "expression": "has(object.data) ? size(object.data) : 0"}
    condition = {"name": "maps", "expression": "request.kind.kind == 'ConfigMap'"}
    body = policy(validations=[validation], variables=[keys], matchConditions=[condition])
    assert api("POST", f"{REGISTRATION}/validatingadmissionpolicies", body).status == 201
    bind(api, "Deny")
    refused = api.json("POST", MAPS, {"metadata": {"name": "m"}, "data": {"a": "1", "b": "2"}})
    text = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: got 2"
    assert (refused["code"], refused["reason"]) == (403, "Forbidden")
    assert refused["message"] == f'configmaps "m" is forbidden: {text}'
    assert api("POST", MAPS, {"metadata": {"name": "m"}, "data": {"a": "1"}}).status == 201
    assert api("POST", PODS, pod("p")).status == 201


def test_a_binding_may_only_warn(api: Any) -> None:
    body = policy(validations=[{"expression": "false", "message": "no"}])
    assert api("POST", f"{REGISTRATION}/validatingadmissionpolicies", body).status == 201
    bind(api, "Warn")
    answer = api("POST", MAPS, {"metadata": {"name": "m"}})
    text = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no"
    assert (answer.status, answer.warnings) == (201, (text,))


def test_a_stricter_namespace_names_the_pods_it_would_refuse(api: Any) -> None:
    assert api("POST", PODS, pod("p", securityContext={"privileged": True})).status == 201
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    merge = "application/merge-patch+json"
    body = {"metadata": {"labels": labels}}
    answer = api("PATCH", "/api/v1/namespaces/default", body, content_type=merge)
    assert answer.warnings == (
        'existing pods in namespace "default" violate the new PodSecurity enforce level '
        '"baseline:latest"',
        "p: privileged",
    )
    refused = api.json("POST", PODS, pod("q", securityContext={"privileged": True}))
    assert refused["code"] == 403


def test_limit_ranges_complete_pods_and_quotas_count_them(api: Any) -> None:
    entry = {"type": "Container", "default": {"cpu": "200m"}, "max": {"cpu": "500m"}}
    body = {"metadata": {"name": "l"}, "spec": {"limits": [entry]}}
    assert api("POST", "/api/v1/namespaces/default/limitranges", body).status == 201
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"limits.cpu": "300m", "configmaps": "1"}}}
    assert api("POST", "/api/v1/namespaces/default/resourcequotas", quota).status == 201
    made = api.json("POST", PODS, pod("p"))
    assert made["spec"]["containers"][0]["resources"]["limits"] == {"cpu": "200m"}
    large = api.json("POST", PODS, pod("q", resources={"limits": {"cpu": "1"}}))
    said = "maximum cpu usage per Container is 500m, but limit is 1"
    assert large["message"] == f'pods "q" is forbidden: {said}'
    more = api.json("POST", PODS, pod("q"))
    assert more["message"].endswith(
        "exceeded quota: q, requested: limits.cpu=200m, used: limits.cpu=200m, "
        "limited: limits.cpu=300m"
    )
    assert api("POST", MAPS, {"metadata": {"name": "a"}}).status == 201
    assert api("POST", MAPS, {"metadata": {"name": "b"}}).status == 403


def test_yaml_answers_quote_only_what_could_be_mistaken(api: Any) -> None:
    api("POST", MAPS, {"metadata": {"name": "m"}, "data": {"a": "1", "b": "none", "c": "x\ny\n"}})
    text = api("GET", f"{MAPS}/m", accept="application/yaml").body.decode()
    assert text.startswith('apiVersion: v1\ndata:\n  a: "1"\n  b: none\n  c: |\n    x\n    y\n')


def sized_pod(name: str, **resources: Any) -> dict[str, Any]:
    return pod(name, resources=resources)


def quota(**hard: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "q"},
        "spec": {"hard": {name.replace("_", "."): bound for name, bound in hard.items()}},
    }


QUOTAS = "/api/v1/namespaces/default/resourcequotas"


def test_a_quota_writes_amounts_as_they_were_written(api: Any) -> None:
    api("POST", QUOTAS, quota(limits_memory="1Gi"))
    assert api("POST", PODS, sized_pod("a", limits={"memory": "512Mi"})).status == 201
    refused = api.json("POST", PODS, sized_pod("b", limits={"memory": "600Mi"}))
    assert refused["message"] == (
        'pods "b" is forbidden: exceeded quota: q, requested: limits.memory=600Mi, '
        "used: limits.memory=512Mi, limited: limits.memory=1Gi"
    )


def test_only_cpu_and_memory_must_be_named_for_a_quota(api: Any) -> None:
    body = quota(requests_cpu="1")
    body["spec"]["hard"]["requests.ephemeral-storage"] = "1Gi"
    api("POST", QUOTAS, body)
    refused = api.json("POST", PODS, pod("a"))
    assert refused["message"].endswith("failed quota: q: must specify requests.cpu for: c")
    assert api("POST", PODS, sized_pod("a", requests={"cpu": "1"})).status == 201


def test_a_ratio_is_told_with_six_digits(api: Any) -> None:
    bound = {"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}}
    limits = "/api/v1/namespaces/default/limitranges"
    api("POST", limits, {"metadata": {"name": "l"}, "spec": {"limits": [bound]}})
    refused = api.json("POST", PODS, sized_pod("a", requests={"cpu": "1"}, limits={"cpu": "3"}))
    assert refused["message"].endswith(
        "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000"
    )


def test_a_namespace_keeps_its_phase_until_it_is_gone(api: Any) -> None:
    name = "/api/v1/namespaces/n"
    api("POST", "/api/v1/namespaces", {"metadata": {"name": "n"}})
    bare = {"metadata": {"name": "n", "labels": {"a": "b"}}, "spec": {}}
    assert api.json("PUT", name, bare)["spec"] == {"finalizers": ["kubernetes"]}
    api("DELETE", name)
    last = api.json("PUT", f"{name}/finalize", {"metadata": {"name": "n"}, "spec": {}})
    assert (last["spec"], last["status"]) == ({}, {"phase": "Terminating"})
    assert api("GET", name).status == 404
