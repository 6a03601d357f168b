"""What a pod is made of: disks, files, sidecars, places; and what decides how many there are."""

import pytest

from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

PLATFORM = """\
platform: shop
clusters: {main: {keda: true}, old: {}}
environments: {prod: {cluster: main, domain: example.com}}
"""


def compiled(
    service: str, environment: str = "prod", *, local: bool = False
) -> dict[str, Manifest]:
    files = {
        "platform.yaml": PLATFORM,
        "services/web.yaml": f"image: r/web:v1\n{service}",
    }
    if "schedule:" not in service:
        files["services/web.yaml"] += "port: 8080\nhealth: /ok\n"
    bundle = compile_environment(load_platform(files), environment, local=local)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in bundle.manifests}


def pod(manifest: Manifest) -> Manifest:
    found: Manifest = manifest["spec"]["template"]["spec"]
    return found


def test_a_disk_is_each_instances_own_and_has_a_name() -> None:
    found = compiled("scale: {min: 2, max: 4}\nvolumes: {data: {path: /data, type: disk}}\n")
    stateful = found["StatefulSet/web"]
    [claim] = stateful["spec"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"] == {"requests": {"storage": "10Gi"}}
    assert found["Service/web-pods"]["spec"]["clusterIP"] == "None"
    assert stateful["spec"]["serviceName"] == "web-pods"
    assert found["HorizontalPodAutoscaler/web"]["spec"]["scaleTargetRef"]["kind"] == "StatefulSet"
    assert "Deployment/web" not in found


def test_what_is_shared_is_one_claim_for_all() -> None:
    found = compiled("volumes: {media: {path: /m, type: shared, size: 5Gi, readOnly: true}}\n")
    claim = found["PersistentVolumeClaim/web-media"]["spec"]
    assert (claim["accessModes"], claim["storageClassName"]) == (["ReadWriteMany"], "efs")
    [container] = pod(found["Deployment/web"])["containers"]
    assert {"name": "media", "mountPath": "/m", "readOnly": True} in container["volumeMounts"]


def test_files_come_from_text_bytes_and_secrets() -> None:
    files = "files: {/etc/a: hello, /etc/b: {base64: aGk=}, /etc/c: {secret: web/key}}\n"
    found = compiled(files)
    settings = found["ConfigMap/web-files"]
    assert (settings["data"], settings["binaryData"]) == ({"etc_a": "hello"}, {"etc_b": "aGk="})
    volumes = pod(found["Deployment/web"])["volumes"]
    assert any(one.get("secret", {}).get("secretName") == "web" for one in volumes)


def test_a_secret_of_a_file_or_sidecar_is_a_need() -> None:
    files = {
        "platform.yaml": PLATFORM,
        "services/web.yaml": "image: r/web:v1\nport: 8080\nhealth: /ok\n"
        "files: {/etc/c: {secret: web/key}}\n"
        "sidecars: {proxy: {image: 'r/p:v1', secrets: {TOKEN: proxy/token}}}\n",
    }
    bundle = compile_environment(load_platform(files), "prod")
    assert {"web", "proxy"} <= {need.name for need in bundle.secrets}


def test_a_sidecar_starts_before_the_service_and_ends_after_it() -> None:
    found = compiled(
        "sidecars: {proxy: {image: 'r/p:v1', port: 9000, health: /ready}}\n"
        "init: {warm: {command: [warm]}}\n"
    )
    first, second = pod(found["Deployment/web"])["initContainers"]
    assert (first["name"], first["restartPolicy"]) == ("proxy", "Always")
    assert first["readinessProbe"]["httpGet"] == {"path": "/ready", "port": 9000}
    assert (second["name"], second.get("restartPolicy")) == ("warm", None)


def test_nodes_are_chosen_and_taints_are_borne() -> None:
    found = pod(
        compiled("nodes: {pool: big}\narch: arm64\ntolerations: {gpu: '', x: y}\n")[
            "Deployment/web"
        ]
    )
    assert found["nodeSelector"] == {"pool": "big", "kubernetes.io/arch": "arm64"}
    assert found["tolerations"] == [
        {"key": "gpu", "operator": "Exists"},
        {"key": "x", "operator": "Equal", "value": "y"},
    ]


def test_queues_schedules_and_sources_are_kedas() -> None:
    scale = (
        "uses: {orders: {type: queue}}\nscale:\n  min: 2\n  max: 20\n  cpu: 60%\n"
        "  queues: {orders: 30}\n"
        "  metrics: {hits: {target: 5, source: datadog, query: 'sum:hits{}'}}\n"
        "  schedules: {day: {start: 0 8 * * *, end: 0 20 * * *, min: 10, timezone: Asia/Tokyo}}\n"
    )
    spec = compiled(scale)["ScaledObject/web"]["spec"]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 20)
    assert [one["type"] for one in spec["triggers"]] == ["cpu", "aws-sqs-queue", "datadog", "cron"]
    assert spec["triggers"][1]["metadata"]["queueURLFromEnv"] == "ORDERS_URL"
    assert spec["triggers"][3]["metadata"]["desiredReplicas"] == "10"
    local = compiled(scale, local=True)
    [metric] = local["HorizontalPodAutoscaler/web"]["spec"]["metrics"]
    assert metric["resource"]["name"] == "cpu"


def test_without_keda_a_queue_is_an_external_metric() -> None:
    scale = "uses: {orders: {type: queue}}\nscale: {min: 2, max: 9, queues: {orders: 30}}\n"
    files = {
        "platform.yaml": PLATFORM.replace("keda: true", ""),
        "services/web.yaml": f"image: r/web:v1\nport: 8080\nhealth: /ok\n{scale}",
    }
    bundle = compile_environment(load_platform(files), "prod")
    [hpa] = [one for one in bundle.manifests if one["kind"] == "HorizontalPodAutoscaler"]
    [metric] = hpa["spec"]["metrics"]
    assert metric["external"]["metric"]["selector"]["matchLabels"] == {"queue": "web-orders"}


def test_a_job_may_run_in_parallel_and_is_kept_for_a_while() -> None:
    found = compiled("schedule: 0 3 * * *\nparallel: 3\nruns: 9\nkeep: 2h\n")["CronJob/web"]
    run = found["spec"]["jobTemplate"]["spec"]
    assert (run["parallelism"], run["completions"], run["ttlSecondsAfterFinished"]) == (3, 9, 7200)


def test_what_a_use_tells_may_have_names_of_the_programs_own() -> None:
    found = compiled("uses: {db: {type: postgres, outputs: {url: DATABASE_URL}}}\n")
    [container] = pod(found["Deployment/web"])["containers"]
    variables = {one["name"]: one for one in container["env"]}
    assert variables["DATABASE_URL"]["valueFrom"] == variables["DB_URL"]["valueFrom"]


def test_people_find_what_they_want_to_know_on_the_workload() -> None:
    found = compiled("owner: ann\ntier: critical\nbudget: 300\nlinks: {runbook: https://w}\n")
    notes = found["Deployment/web"]["metadata"]["annotations"]
    assert notes == {
        "kiban.dev/owner": "ann",
        "kiban.dev/monthly-budget": "300",
        "kiban.dev/tier": "critical",
        "link.kiban.dev/runbook": "https://w",
    }


@pytest.mark.parametrize(
    ("service", "said"),
    [
        ("routes: {a: {path: /, weights: {nobody: 5%}}}", "no service 'nobody'"),
        ("routes: {a: {path: /, weights: {web: 5%}}}", "weight to its own service"),
        ("routes: {a: {path: /, redirect: {code: 302}}}", "leads to itself"),
        ("routes: {a: {path: /, cdn: true}}", "no certificate for a content network"),
        ("routes: {a: {path: /, cdn: true, internal: true}}", "is `internal` and has a `cdn`"),
        ("protocols: {rpc: grpc}", "no port 'rpc'"),
        ("allow: {x: {}}", "says nobody"),
        ("scale: {queues: {orders: 3}}", "no queue 'orders'"),
        ("scale: {metrics: {x: {target: 1, source: prometheus}}}", "names no Prometheus"),
        ("files: {/a: {mode: 0644}}", "needs one of"),
        ("files: {/a: {secret: key}}", "must be secret/key"),
        ("sidecars: {app: 'r/a:v1'}", "two containers named 'app'"),
        ("sidecars: {p: {image: 'r/a:v1', health: /x}}", "no `port` to ask"),
        ("uses: {db: {type: redis, outputs: {password: P}}}", "no output 'password'"),
        ("kind: cron", "no `image`"),
    ],
)
def test_what_cannot_be_meant_is_refused(service: str, said: str) -> None:
    image = "" if "cron" in service else "image: r/web:v1\n"
    files = {
        "platform.yaml": PLATFORM,
        "services/web.yaml": f"{image}{'' if 'cron' in service else 'port: 8080'}\n{service}\n",
    }
    with pytest.raises(KibanError) as caught:
        load_platform(files)
    assert said in str(caught.value)


def test_a_cluster_without_keda_cannot_follow_a_schedule() -> None:
    day = "{start: 0 8 * * *, end: 0 9 * * *, min: 2}"
    files = {
        "platform.yaml": PLATFORM.replace("cluster: main", "cluster: old"),
        "services/web.yaml": "image: r/web:v1\nport: 8080\n"
        f"scale: {{min: 1, max: 2, schedules: {{day: {day}}}}}\n",
    }
    with pytest.raises(KibanError, match=r"'old' has no KEDA"):
        load_platform(files)


def test_a_site_of_files_needs_an_image_and_nothing_else() -> None:
    files = {
        "platform.yaml": PLATFORM,
        "services/site.yaml": "kind: static\nimage: r/site:v1\nroutes: {site: /}\n",
    }
    bundle = compile_environment(load_platform(files), "prod")
    [deployment] = [one for one in bundle.manifests if one["kind"] == "Deployment"]
    [container] = pod(deployment)["containers"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/", "port": 8080}
    assert container["resources"]["requests"] == {"cpu": "50m", "memory": "64Mi"}
