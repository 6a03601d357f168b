"""What other tools are known to report although it is right, by their issue numbers, or what was
found in manifests that everybody uses; and what they miss although it is wrong.

Sources: github.com/zegl/kube-score (ks), github.com/stackrox/kube-linter (kl),
github.com/kubescape/kubescape (kc), github.com/aquasecurity/defsec.
"""

import pytest
from tests.audit.shop import rules_of

POD = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"
NO_CONSTRAINTS = f"{POD}      topologySpreadConstraints: null\n"
TERM = "{labelSelector: {matchLabels: {app.kubernetes.io/name: api}}, topologyKey: %s}"


def preferred(key: str) -> str:
    term = TERM % key
    return (
        f"{NO_CONSTRAINTS}      affinity: {{podAntiAffinity: "
        "{preferredDuringSchedulingIgnoredDuringExecution: "
        f"[{{weight: 1, podAffinityTerm: {term}}}]}}}}"
    )


def required(key: str) -> str:
    return (
        f"{NO_CONSTRAINTS}      affinity: {{podAntiAffinity: "
        f"{{requiredDuringSchedulingIgnoredDuringExecution: [{TERM % key}]}}}}"
    )


RIGHT = {
    "ks 146 and 239: the pod says what its containers do not": (
        f"{POD}      securityContext: {{runAsNonRoot: true, runAsUser: 1000}}\n"
        "      containers: [{name: app, securityContext: {runAsNonRoot: null}}]"
    ),
    "kc 2296: the container says what its pod does not": (
        f"{POD}      securityContext: {{runAsNonRoot: null, seccompProfile: null}}\n"
        "      containers: [{name: app, securityContext: {runAsNonRoot: true, "
        "seccompProfile: {type: RuntimeDefault}}}]"
    ),
    "ks 275: privileged is not said": (
        f"{POD}      containers: [{{name: app, securityContext: {{privileged: null}}}}]"
    ),
    "ks 204: a user below 10000": f"{POD}      securityContext: {{runAsUser: 1}}",
    "kl 894: constraints instead of anti-affinity": f"{POD}      affinity: null",
    "kl 286: anti-affinity that is preferred": preferred("kubernetes.io/hostname"),
    "kl 574: anti-affinity over a topology of their own": preferred("example.com/rack"),
    "kl 369: anti-affinity that is required": required("kubernetes.io/hostname"),
    "a third constraint beside host and zone": (
        f"{POD}      topologySpreadConstraints:\n"
        "      - {topologyKey: kubernetes.io/hostname, maxSkew: 1, whenUnsatisfiable: "
        "ScheduleAnyway, labelSelector: {matchLabels: {app.kubernetes.io/name: api}}}\n"
        "      - {topologyKey: karpenter.sh/capacity-type, maxSkew: 1, whenUnsatisfiable: "
        "ScheduleAnyway, labelSelector: {matchLabels: {app.kubernetes.io/name: api}}}"
    ),
    "no CPU limit": f"{POD}      containers: [{{name: app, resources: {{limits: {{cpu: null}}}}}}]",
    "sts: nothing about the endpoint is the region's": f"{POD}      containers: [{{name: app}}]",
    "sts: the annotation says regional": (
        "kind: ServiceAccount\nmetadata: {name: api, annotations: "
        "{eks.amazonaws.com/sts-regional-endpoints: 'true'}}"
    ),
    "a capability that the restricted standard allows": (
        f"{POD}      containers: [{{name: app, securityContext: {{capabilities: "
        "{add: [NET_BIND_SERVICE]}}}]"
    ),
    "a sidecar that ends after the program is no start-up program": (
        f"{POD}      initContainers: [{{name: log, image: 'registry.example/log:v1', "
        "restartPolicy: Always, resources: {requests: {cpu: 10m, memory: 16Mi}, limits: "
        "{memory: 16Mi}}, securityContext: {allowPrivilegeEscalation: false, "
        "readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}}]"
    ),
    "a deploy that keeps one instance with its disk": (
        "kind: Deployment\nmetadata: {name: api}\n"
        "spec: {replicas: 1, strategy: {type: Recreate, rollingUpdate: null}}\n---\n"
        "kind: PodDisruptionBudget\nmetadata: {name: api}\nspec: {maxUnavailable: 1}"
    ),
    "names that speak of secrets": (
        f"{POD}      containers: [{{name: app, env: [{{name: TOKEN_TTL, value: '60'}}, "
        "{name: PASSWORD_FILE, value: /run/secret}, {name: API_KEY_ID, value: '7'}, "
        "{name: DB_URL, value: 'postgres://app:$(PASSWORD)@db/app'}]}]"
    ),
    "a Secret that was encrypted": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: shop}\n"
        "stringData: {password: 'ENC[AES256_GCM,data:x]'}"
    ),
    "a role that gives Secrets by name": (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n"
        "metadata: {name: reader, namespace: shop}\n"
        "rules: [{apiGroups: [''], resources: [secrets], resourceNames: [db], verbs: [get]}]"
    ),
    "a minimum of an autoscaler is the number of instances": (
        "kind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: {minReplicas: 2}"
    ),
    "CoreDNS: a token of an account to which rights were given": (
        f"{POD}      automountServiceAccountToken: null\n      serviceAccountName: reader\n---\n"
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: reader, namespace: shop}\n---\n"
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n"
        "metadata: {name: reader, namespace: shop}\n"
        "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}\n"
        "subjects: [{kind: ServiceAccount, name: reader}]"
    ),
    "Online Boutique: one Service for the inside, one for the outside": (
        "apiVersion: v1\nkind: Service\nmetadata: {name: api-external, namespace: shop}\n"
        "spec: {type: LoadBalancer, selector: {app.kubernetes.io/name: api}, "
        "ports: [{name: http, port: 8080, targetPort: http}]}"
    ),
    "kubebuilder: a proxy beside a program that is asked": (
        f"{POD}      containers: [{{name: proxy, image: 'registry.example/proxy:v1', "
        "ports: [{name: metrics, containerPort: 8443}], resources: {requests: {cpu: 10m, memory: "
        "16Mi}, limits: {memory: 16Mi}}, securityContext: {allowPrivilegeEscalation: false, "
        "readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}}]"
    ),
    "MySQL: a liveness probe of the program beside it": (
        f"{POD}      containers: [{{name: app, livenessProbe: {{httpGet: null, initialDelaySeconds:"
        " 30, exec: {command: [mysqladmin, ping]}}}]"
    ),
    "MySQL: a switch with a word for secrets in its name": (
        f"{POD}      containers: [{{name: app, env: [{{name: MYSQL_ALLOW_EMPTY_PASSWORD, value: "
        "'1'}]}]"
    ),
    "Knative: a Service that is none of Kubernetes' own": (
        "apiVersion: serving.knative.dev/v1\nkind: Service\n"
        "metadata: {name: hello, namespace: shop}\n"
        "spec: {selector: {app: {a: b}}, template: {spec: {containers: [{image: hello}]}}}"
    ),
    "root that is nobody on the node": (
        f"{POD}      hostUsers: false\n      securityContext: {{runAsNonRoot: null, runAsUser: 0}}"
    ),
    "a container of Windows, which has no Linux security": (
        f"{POD}      nodeSelector: {{kubernetes.io/os: windows}}\n      containers: [{{name: app, "
        "securityContext: {$patch: replace}}]"
    ),
    "amounts that a LimitRange gives": (
        f"{POD}      containers: [{{name: app, resources: {{$patch: replace}}}}]\n---\n"
        "apiVersion: v1\nkind: LimitRange\nmetadata: {name: usual, namespace: shop}\n"
        "spec: {limits: [{type: Container, default: {memory: 64Mi, cpu: 1}, defaultRequest: "
        "{cpu: 10m, memory: 64Mi}}]}"
    ),
    "a group's wide path in the Ingress that comes last": (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: aaa\n"
        "  namespace: shop\n  annotations: {alb.ingress.kubernetes.io/group.name: shop, "
        "alb.ingress.kubernetes.io/scheme: internal, alb.ingress.kubernetes.io/target-type: ip, "
        "alb.ingress.kubernetes.io/healthcheck-path: /healthz}\n"
        "spec: {ingressClassName: alb, rules: [{host: shop.example.com, http: {paths: [{path: "
        "/deep, pathType: Prefix, backend: {service: {name: web, port: {number: 8080}}}}]}}]}\n"
        "---\nkind: Ingress\nmetadata: {name: web, annotations: "
        "{alb.ingress.kubernetes.io/group.name: shop}}"
    ),
}


@pytest.mark.parametrize("example", RIGHT.values(), ids=RIGHT.keys())
def test_what_is_right_has_no_finding(example: str) -> None:
    assert rules_of(example) <= {"replicas-min"}


def test_jobs_need_no_probes() -> None:
    # ks 108. The shop has a CronJob and a Job, neither with probes.
    containers = "{containers: [{name: app, ports: [{containerPort: 80}]}]}"
    template = f"{{jobTemplate: {{spec: {{template: {{spec: {containers}}}}}}}}}"
    assert rules_of(f"kind: CronJob\nmetadata: {{name: night}}\nspec: {template}") == set()


def test_certificates_of_a_node_are_no_secret() -> None:
    # Cluster Autoscaler. It stays a file of the node, which the next node may not have.
    volume = "volumes: [{name: certs, hostPath: {path: /etc/ssl/certs/ca-bundle.crt}}]"
    found = rules_of(f"{POD}      {volume}")
    assert "host-path" in found
    assert "sensitive-host-mounts" not in found


def test_a_privileged_container_may_say_nothing_about_privileges() -> None:
    # The API server refuses both together, so --fix would break it.
    context = "securityContext: {privileged: true, allowPrivilegeEscalation: null}"
    found = rules_of(f"{POD}      containers: [{{name: app, {context}}}]")
    assert "privileged" in found
    assert "allow-privilege-escalation" not in found


WRONG = {
    "defsec 1131: runAsNonRoot is false": (
        "run-as-non-root",
        f"{POD}      securityContext: {{runAsNonRoot: false}}",
    ),
    "the container takes back what its pod says": (
        "run-as-non-root",
        f"{POD}      containers: [{{name: app, securityContext: {{runAsNonRoot: false}}}}]",
    ),
    "root by number wins over the promise": (
        "uid-zero",
        f"{POD}      containers: [{{name: app, securityContext: {{runAsUser: 0}}}}]",
    ),
    "ZooKeeper of the documentation: anti-affinity to labels that its pods do not have": (
        "spread-host",
        required("kubernetes.io/hostname").replace("name: api}}", "name: zk}}"),
    ),
    "CockroachDB: two thirds of three, rounded up, are all": (
        "pdb-blocks-drain",
        "kind: PodDisruptionBudget\nmetadata: {name: web}\n"
        "spec: {maxUnavailable: null, minAvailable: 100%}",
    ),
    "a probe that asks another host's database": (
        "liveness-hits-dependency",
        f"{POD}      containers: [{{name: app, livenessProbe: {{httpGet: null, "
        "exec: {command: [mysql, -h, db, -e, SELECT 1]}}}]",
    ),
    "a port beside a program that is asked, to which a Service sends": (
        "readiness-missing",
        f"{POD}      containers: [{{name: proxy, image: 'registry.example/proxy:v1', "
        "ports: [{name: admin, containerPort: 8443}]}]\n---\napiVersion: v1\nkind: Service\n"
        "metadata: {name: admin, namespace: shop}\nspec: {selector: {app.kubernetes.io/name: api},"
        " ports: [{port: 80, targetPort: admin}]}",
    ),
    "an address that is none": (
        "schema-valid",
        "kind: Service\nmetadata: {name: api}\nspec: {clusterIP: CLUSTER_DNS_IP}",
    ),
    "a start-up container counts, too": (
        "allow-privilege-escalation",
        f"{POD}      initContainers: [{{name: init, image: 'registry.example/init:v1'}}]",
    ),
}


@pytest.mark.parametrize(("rule", "example"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_found(rule: str, example: str) -> None:
    assert rule in rules_of(example)
