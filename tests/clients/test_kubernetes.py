"""The official Python client: typed, dynamic, watch, exec, port forwarding."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.clients.conftest import Running, deployment

pytest.importorskip("kubernetes")
pytestmark = pytest.mark.filterwarnings("ignore")

from kubernetes import client, config, dynamic, utils, watch  # noqa: E402
from kubernetes.client.exceptions import ApiException  # noqa: E402
from kubernetes.stream import portforward, stream  # noqa: E402


@pytest.fixture
def api(cluster: Running) -> Iterator[client.ApiClient]:
    with config.new_client_from_config(cluster.kubeconfig) as made:
        yield made


def test_objects_are_created_read_changed_and_deleted(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    core.create_namespaced_config_map("default", {"metadata": {"name": "py"}, "data": {"a": "1"}})
    found = core.read_namespaced_config_map("py", "default")
    found.data["a"] = "2"
    core.replace_namespaced_config_map("py", "default", found)
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("py", "default", found)
    assert refused.value.status == 409
    core.patch_namespaced_config_map("py", "default", {"data": {"b": "3"}})
    assert core.read_namespaced_config_map("py", "default").data == {"a": "2", "b": "3"}
    core.delete_namespaced_config_map("py", "default")


def test_a_deployment_is_scaled_and_patched(api: client.ApiClient) -> None:
    apps = client.AppsV1Api(api)
    utils.create_from_dict(api, deployment("py"))
    apps.patch_namespaced_deployment_scale("py", "default", {"spec": {"replicas": 3}})
    assert apps.read_namespaced_deployment_scale("py", "default").spec.replicas == 3
    container = {"name": "app", "env": [{"name": "A", "value": "b"}]}
    apps.patch_namespaced_deployment(
        "py", "default", {"spec": {"template": {"spec": {"containers": [container]}}}}
    )
    (found,) = apps.read_namespaced_deployment("py", "default").spec.template.spec.containers
    assert (found.image, found.env[0].value) == ("modelled:1", "b")
    for event in watch.Watch().stream(
        apps.list_namespaced_deployment, "default", field_selector="metadata.name=py",
        timeout_seconds=20,
    ):  # fmt: skip
        if event["object"].status.updated_replicas == 3:
            break
    apps.delete_namespaced_deployment("py", "default", propagation_policy="Foreground")


def test_a_watch_goes_on_where_it_was(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    begin = core.list_namespaced_config_map("default").metadata.resource_version
    seen = []
    for name in ("one", "two"):
        core.create_namespaced_config_map("default", {"metadata": {"name": name}})
        watching = watch.Watch()
        for event in watching.stream(
            core.list_namespaced_config_map, "default", resource_version=begin, timeout_seconds=10
        ):
            seen.append((event["type"], event["object"].metadata.name))
            begin = event["object"].metadata.resource_version
            watching.stop()
    assert seen == [("ADDED", "one"), ("ADDED", "two")]
    core.delete_collection_namespaced_config_map(
        "default", field_selector="metadata.name!=kube-root-ca.crt"
    )


def test_programs_run_with_input_and_exit_codes(api: client.ApiClient) -> None:
    # `stream` changes the client it is given.
    core = client.CoreV1Api(client.ApiClient(api.configuration))
    where = (core.connect_get_namespaced_pod_exec, "web", "default")
    assert stream(*where, command=["echo", "hello"], stdout=True) == "hello\n"
    shell = stream(
        *where, command=["sh"], stdin=True, stdout=True, stderr=True, _preload_content=False
    )
    shell.write_stdin("echo one; echo two >&2; exit 5\n")
    shell.run_forever(timeout=10)
    assert (shell.read_stdout(), shell.read_stderr(), shell.returncode) == ("one\n", "two\n", 5)
    shell.close()


def test_a_port_is_forwarded(api: client.ApiClient) -> None:
    core = client.CoreV1Api(client.ApiClient(api.configuration))
    forwarding = portforward(
        core.connect_get_namespaced_pod_portforward, "web", "default", ports="8080"
    )
    with contextlib.closing(forwarding.socket(8080)) as connection:
        connection.setblocking(True)
        connection.settimeout(10)
        connection.sendall(b"GET /py HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
        said = b""
        while b"you asked for /py" not in said:
            said += connection.recv(1024) or pytest.fail(f"{said!r} {forwarding.error(8080)}")
    assert forwarding.error(8080) is None


def test_logs_follow(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    assert core.read_namespaced_pod_log("web", "default").startswith("ready")
    lines = watch.Watch().stream(core.read_namespaced_pod_log, "web", "default")
    assert next(lines) == "ready"


def test_a_custom_kind_lives_and_goes(api: client.ApiClient) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"plural": "pies", "singular": "pie", "kind": "Pie"}
    definitions = client.ApiextensionsV1Api(api)
    definitions.create_custom_resource_definition(
        {
            "metadata": {"name": "pies.py.example"},
            "spec": {
                "group": "py.example", "names": names, "scope": "Namespaced", "versions": [version],
            },
        }
    )  # fmt: skip
    for event in watch.Watch().stream(
        definitions.list_custom_resource_definition, timeout_seconds=10
    ):
        conditions = (event["object"].status and event["object"].status.conditions) or ()
        if any(c.type == "Established" and c.status == "True" for c in conditions):
            break
    pies = dynamic.DynamicClient(api).resources.get(api_version="py.example/v1", kind="Pie")
    wished = {
        "apiVersion": "py.example/v1",
        "kind": "Pie",
        "metadata": {"name": "apple"},
        "spec": {"slices": 8},
    }
    pies.server_side_apply(wished, namespace="default", field_manager="baker")
    pies.status.patch(
        {"status": {"baked": True}},
        name="apple",
        namespace="default",
        content_type="application/merge-patch+json",
    )
    found = pies.get(name="apple", namespace="default")
    assert (found.spec.slices, found.status.baked) == (8, True)
    definitions.delete_custom_resource_definition("pies.py.example")


CANDIDATE = """
import sys
from kubernetes import config
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
config.load_kube_config()
lock = ConfigMapLock("leader", "default", sys.argv[1])
terms = electionconfig.Config(lock, lease_duration=3, renew_deadline=2, retry_period=1,
    onstarted_leading=lambda: print("leads", flush=True), onstopped_leading=None)
leaderelection.LeaderElection(terms).run()
"""


def test_one_of_two_candidates_leads_and_the_other_after_it(
    cluster: Running, api: client.ApiClient
) -> None:
    def candidate(name: str) -> "subprocess.Popen[str]":
        words = [sys.executable, "-W", "ignore", "-c", CANDIDATE, name]
        return subprocess.Popen(
            words, env=cluster.environment, stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    with candidate("one") as one:
        assert one.stdout is not None and one.stdout.readline() == "leads\n"
        with candidate("two") as two:
            record = client.CoreV1Api(api).read_namespaced_config_map("leader", "default")
            held = record.metadata.annotations["control-plane.alpha.kubernetes.io/leader"]
            assert json.loads(held)["holderIdentity"] == "one"
            one.kill()
            assert two.stdout is not None and two.stdout.readline() == "leads\n"
            two.kill()
    client.CoreV1Api(api).delete_namespaced_config_map("leader", "default")


def test_lists_come_in_pages_as_of_one_version(api: client.ApiClient) -> None:
    core = client.CoreV1Api(api)
    for number in range(7):
        metadata = {"name": f"page-{number}", "labels": {"page": "yes"}}
        core.create_namespaced_config_map("default", {"metadata": metadata})
    chosen = {"label_selector": "page=yes", "limit": 3}
    page = core.list_namespaced_config_map("default", **chosen)
    assert page.metadata.remaining_item_count is None
    core.delete_namespaced_config_map("page-5", "default")
    names, version = [], page.metadata.resource_version
    while True:
        names += [item.metadata.name for item in page.items]
        if not page.metadata._continue:
            break
        more = page.metadata._continue
        page = core.list_namespaced_config_map("default", _continue=more, **chosen)
        assert page.metadata.resource_version == version
    assert names == [f"page-{number}" for number in range(7)]
    core.delete_collection_namespaced_config_map("default", label_selector="page=yes")
