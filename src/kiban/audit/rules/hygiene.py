"""Hygiene: what Kubernetes takes without a word and does not do, and names that say nothing."""

from collections import Counter
from collections.abc import Iterator

from kiban.audit.findings import Said, Severity, Verdict, rule
from kiban.audit.view import View
from kiban.kube.formats import label_value_faults
from kiban.kube.objects import Key, Manifest, get_in, labels_of

_POD = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"
_TAG = "app.kubernetes.io/name"


@rule(
    Severity.ERROR,
    why="the API server refuses it",
    fix="write what it says",
    example="kind: Deployment\nmetadata: {name: api}\nspec: {replicas: '3'}",
)
def schema_valid(view: View) -> Iterator[Said]:
    for key, reading in view.readings.items():
        if reading.wrong:
            yield Said(key, reading.wrong_at, f"{reading.wrong_at} {reading.wrong}".strip())
        for path, reason in reading.refused:
            yield Said(key, path, f"{path}: {reason}")


@rule(
    Severity.WARNING,
    why="the API server drops it without a word, or refuses the object",
    fix="correct the name, or the level it stands at",
    example=f"{_POD}      terminationGracePeriod: 60",
)
def unknown_field(view: View) -> Iterator[Said]:
    for key, reading in view.readings.items():
        for path in reading.unknown if not reading.wrong else ():
            yield Said(key, path, f"{key.kind} has no field {path}")


@rule(
    Severity.WARNING,
    why="which one holds depends on how it is applied",
    fix="keep one",
    example=f"{_POD}      containers:\n      - $patch: replace\n      - {{name: app, image: "
    "'registry.example/api:v1', env: [{name: A, value: '1'}, {name: A, value: '2'}]}",
)
def duplicate_env_var(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        counts = Counter(str(one.get("name")) for one in container.body.get("env") or ())
        for name in sorted(name for name, count in counts.items() if count > 1):
            what = f"{name} of {container.name} is set more than once"
            yield Said(workload.key, f"{container.path}.env[{name}]", what)


@rule(
    Severity.WARNING,
    why="the container does not start: CreateContainerConfigError",
    fix="add the key, or correct its name",
    example=f"{_POD}      containers: [{{name: app, env: [{{name: MODE, valueFrom: "
    "{configMapKeyRef: {name: settings, key: modus}}}]}]\n---\napiVersion: v1\n"
    "kind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {mode: fast}",
)
def env_value_from_missing(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        for one in container.body.get("env") or ():
            for reference, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
                wanted = get_in(one, "valueFrom", reference)
                if not wanted or wanted.get("optional"):
                    continue
                name, part = wanted.get("name", ""), wanted.get("key", "")
                found = view.find("", kind, workload.key.namespace, name)
                where = f"{container.path}.env[{one.get('name')}]"
                if found is not None and part not in _parts(found):
                    yield Said(workload.key, where, f"the {kind} {name} has no key {part}")
                elif found is None and kind == "ConfigMap" and view.kind(kind):
                    what = f"the {kind} {name} is not among the manifests"
                    yield Said(workload.key, where, what, Verdict.UNKNOWN)


def _parts(holder: Manifest) -> set[str]:
    names = ("data", "stringData", "binaryData")
    return {key for name in names for key in holder.get(name) or ()}


@rule(
    Severity.ERROR,
    why="the API server refuses it",
    fix="at most 63 letters, digits, dots, hyphens and underscores",
    example="kind: Deployment\nmetadata: {name: api, labels: {note: 'not a label!'}}",
)
def label_values(view: View) -> Iterator[Said]:
    for key, manifest in view.by_key.items():
        for name, value in sorted(labels_of(manifest).items()):
            if isinstance(value, str) and label_value_faults(value):
                yield Said(key, f'metadata.labels["{name}"]', f"{value!r} is no value of a label")


@rule(
    Severity.WARNING,
    why="in the night nobody knows whom to call",
    fix="add the labels that checks.yaml names (`team` of a service)",
    example="# checked with labels: [owner] in checks.yaml\n"
    "kind: Deployment\nmetadata: {name: api, labels: {owner: null}}",
)
def owner_labels(view: View) -> Iterator[Said]:
    wanted = view.around.settings.labels
    for workload in view.workloads if wanted else ():
        labels = labels_of(workload.manifest)
        for name in wanted:
            if not labels.get(name):
                yield Said(workload.key, f'metadata.labels["{name}"]', f"it has no label {name}")


@rule(
    Severity.WARNING,
    why="nothing keeps it apart from what others put there",
    fix="name a namespace",
    example="apiVersion: v1\nkind: Service\nmetadata: {name: lost, namespace: default}\n"
    "spec: {type: ExternalName, externalName: example.com}",
)
def default_namespace(view: View) -> Iterator[Said]:
    for key in view.by_key:
        own = key.kind == "Service" and key.name == "kubernetes"
        ours = key.kind in ("ServiceAccount", "ConfigMap", "Event", "EndpointSlice", "Endpoints")
        if key.namespace == "default" and not own and not ours:
            yield Said(key, "metadata.namespace", "it is in the namespace `default`")


@rule(
    Severity.ADVICE,
    why="people read files that are ordered alike faster",
    fix="sort the keys",
    example="kind: Deployment\nmetadata: {name: api}",
    optional=True,
)
def sorted_keys(view: View) -> Iterator[Said]:
    for key, manifest in view.by_key.items():
        if list(manifest) != sorted(manifest):
            yield Said(key, "", "its keys are not sorted")


@rule(
    Severity.ADVICE,
    why="dashboards and commands that look for the label find nothing",
    fix=f"make {_TAG} the name",
    example=f"kind: Deployment\nmetadata: {{name: api, labels: {{{_TAG}: shop-api}}}}",
    optional=True,
)
def name_label_match(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        label = labels_of(workload.manifest).get(_TAG)
        if label is not None and label != workload.key.name:
            what = f"it is called {workload.key.name} and labelled {label}"
            yield Said(workload.key, f'metadata.labels["{_TAG}"]', what)


@rule(
    Severity.WARNING,
    why="nobody measures what it was written for",
    fix="select the labels of a Service, and a port that it names",
    example="apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\n"
    "metadata: {name: api, namespace: shop}\nspec: {selector: {matchLabels: {app: apj}}, "
    "endpoints: [{port: http}]}",
)
def dangling_servicemonitor(view: View) -> Iterator[Said]:
    for key, monitor in view.kind("ServiceMonitor"):
        wanted = get_in(monitor, "spec", "selector", "matchLabels", default={})
        anywhere = get_in(monitor, "spec", "namespaceSelector")
        services = [one for other, one in view.kind("Service") if other.namespace == key.namespace]
        chosen = [one for one in services if wanted.items() <= labels_of(one).items()]
        if wanted and not chosen and not anywhere:
            yield Said(key, "spec.selector", "it selects no Service")
        names = {
            port.get("name") for one in chosen for port in get_in(one, "spec", "ports", default=[])
        }
        for endpoint in get_in(monitor, "spec", "endpoints", default=[]) if chosen else ():
            if endpoint.get("port") and endpoint["port"] not in names:
                what = f"no Service has a port named {endpoint['port']}"
                yield Said(key, f"spec.endpoints[{endpoint['port']}].port", what)


@rule(
    Severity.WARNING,
    why="what was tested is not what runs",
    fix="say what differs on purpose in the settings, and make the rest the same",
    example="apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop-stg}\n"
    "spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, "
    "spec: {containers: [{name: app, image: 'registry.example/api:v1', command: [debug]}]}}}\n"
    "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop-prod}\n"
    "spec: {selector: {matchLabels: {app: api}}, template: {metadata: {labels: {app: api}}, "
    "spec: {containers: [{name: app, image: 'registry.example/api:v1', command: [serve]}]}}}",
)
def prod_matches_staging(view: View) -> Iterator[Said]:
    for workload in view.long_running():
        name, dash, environment = workload.key.namespace.rpartition("-")
        if not dash or environment not in ("prod", "prd", "production"):
            continue
        for before in ("stg", "staging", "stage"):
            other = workload.key._replace(namespace=f"{name}-{before}")
            found = next((one for one in _by_key(view, other)), None)
            if found is None:
                continue
            for field_name in ("command", "args", "ports", "livenessProbe", "readinessProbe"):
                mine, theirs = (
                    _of_containers(workload.manifest, field_name),
                    _of_containers(found, field_name),
                )
                if mine != theirs:
                    what = f"{field_name} is not as in {other.namespace}"
                    yield workload.said(f"containers.{field_name}", what)


def _by_key(view: View, key: Key) -> Iterator[Manifest]:
    found = view.by_key.get(key)
    if found is not None:
        yield found


def _of_containers(manifest: Manifest, name: str) -> list[tuple[object, object]]:
    containers = get_in(manifest, "spec", "template", "spec", "containers", default=[])
    return [(one.get("name"), one.get(name)) for one in containers]


RULES = (
    schema_valid,
    unknown_field,
    duplicate_env_var,
    env_value_from_missing,
    label_values,
    owner_labels,
    default_namespace,
    sorted_keys,
    name_label_match,
    dangling_servicemonitor,
    prod_matches_staging,
)
