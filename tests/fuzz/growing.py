"""Objects grown from the published schemas: mostly what Kubernetes would take, now and then not.

A seed makes an object, so that a conversation of many is a list of seeds that can be shortened.
"""

import random
from typing import Any

from kiban.kube.kinds import KindInfo
from kiban.kube.schema import Shape
from kiban.kube.schema.builtin import shape_of

NAMES = ("a", "b", "c")
LABELS = {"app": "a"}
# How many pods there shall be is taken at its word, here as in Kubernetes.
COUNTS = ("replicas", "parallelism", "completions", "minReplicas", "maxReplicas")
# What a field of this name mostly holds, so that objects find each other.
LIKELY: dict[str, tuple[Any, ...]] = {
    "name": NAMES, "namespace": ("default",), "matchLabels": (LABELS,), "labels": (LABELS,),
    "selector": (LABELS,), "image": ("modelled:1",), "restartPolicy": ("Always", "Never"),
    "type": ("ClusterIP", "NodePort", "RollingUpdate", "Utilization", "Pods"),
    **dict.fromkeys(COUNTS, (0, 1, 3, -1)),
    "port": (80, "http"), "containerPort": (80,), "protocol": ("TCP", "UDP"), "kind": (
        "Deployment", "Pod", "Node", "ConfigMap", "Role", "User"),
    "apiVersion": ("v1", "apps/v1"), "operator": ("In", "Exists", "NotIn"), "key": ("app",),
    "values": (["a"], []), "schedule": ("* * * * *", "@daily"), "topologyKey":
    ("kubernetes.io/hostname",), "effect": ("NoSchedule", "NoExecute"), "verbs": (["get"], ["*"]),
    "apiGroups": ([""], ["*"]), "resources": (["pods"],), "finalizers": ([], ["a/b"]),
    "uid": ("00000000-0000-0000-0000-000000000000",), "resourceVersion": ("", "1"),
    "apiGroup": ("rbac.authorization.k8s.io", ""), "mountPath": ("/m",), "path": ("/p",),
    "deletionTimestamp": (None,), "generateName": ("g-",), "schedulerName": ("default-scheduler",),
    "priorityClassName": ("", "system-node-critical"), "nodeName": ("", "web-1", "nowhere"),
    "terminationGracePeriodSeconds": (0, 1, 30), "minReadySeconds": (0, 1, 1_000_000),
    "serviceName": ("a",), "ownerReferences": ([],), "managedFields": ([],),
}  # fmt: skip
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 2**31, 2**63, 2**64, -(2**63), 1e308, "", "a", "\0", "💥", "x" * 300,
    "../..", "-5", "10Gi", "1e99999", "9" * 400, [], {}, [None], [[]], [{}], {"": None}, "100%",
    "-1%", "\u202e", "a/b/c", ["a", "a"], {"$patch": "delete"}, {"a": {"b": {"c": []}}},
)  # fmt: skip
SCALARS: dict[str, tuple[Any, ...]] = {
    "string": ("a", "b", "", "a-b", "A", "x" * 64),
    "int32": (0, 1, 2, -1, 100, 2**31 - 1, -(2**31)),
    "int64": (0, 1, 30, -1, 2**63 - 1, -(2**63)),
    "number": (0, 0.5, -1),
    "boolean": (True, False),
    "quantity": ("1", "100m", "1Gi", "0", "-1", "1e3", "9" * 30),
    "int-or-string": (1, 0, "25%", "0%", "150%", "http", -1),
    "time": ("2027-01-15T08:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    "micro-time": ("2027-01-15T08:00:00.000000Z", "0001-01-01T00:00:00.123456Z"),
    "bytes": ("", "YQ==", "not base64"),
    "any": ({}, {"a": 1}, [1], "a", 0, None),
}  # fmt: skip
DEEPEST = 12
POD_SPEC = {"containers": [{"name": "a", "image": "modelled:1", "ports": [{"containerPort": 80}]}]}
TEMPLATE = {"metadata": {"labels": LABELS}, "spec": POD_SPEC}
WORKLOAD = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}
GOOD: dict[str, Any] = {
    "Pod": {"spec": POD_SPEC},
    "Deployment": {"spec": WORKLOAD},
    "ReplicaSet": {"spec": WORKLOAD},
    "DaemonSet": {"spec": WORKLOAD},
    "StatefulSet": {"spec": WORKLOAD},
    "Job": {"spec": {"template": {**TEMPLATE, "spec": {**POD_SPEC, "restartPolicy": "Never"}}}},
    "Service": {"spec": {"selector": LABELS, "ports": [{"port": 80}]}},
    "ConfigMap": {"data": {"a": "b"}},
    "Secret": {"data": {"a": "Yg=="}},
    "ResourceQuota": {"spec": {"hard": {"pods": "9"}}},
    "PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": {"matchLabels": LABELS}}},
    "HorizontalPodAutoscaler": {
        "spec": {
            "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"},
        }
    },
}
PROPERTIES: dict[str, Any] = {
    "size": {"type": "integer", "minimum": 0, "maximum": 9, "default": 1},
    "colour": {"type": "string", "enum": ["red", "blue"], "pattern": "^[a-z]+$", "maxLength": 9},
    "share": {"type": "number", "multipleOf": 0.5},
    "either": {
        "x-kubernetes-int-or-string": True,
        "anyOf": [{"type": "integer"}, {"type": "string"}],
    },
    "parts": {
        "type": "array",
        "maxItems": 9,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name"],
        "items": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "maxLength": 9},
                "count": {"type": "integer"},
            },
        },
        "x-kubernetes-validations": [{"rule": "self.all(x, !has(x.count) || x.count > 0)"}],
    },
    "tags": {"type": "object", "maxProperties": 9, "additionalProperties": {"type": "string"}},
    "anything": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "until": {"type": "string", "format": "date-time", "nullable": True},
    "replicas": {"type": "integer"},
}
WIDGET: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.fuzz.example"},
    "spec": {
        "group": "fuzz.example",
        "scope": "Namespaced",
        "names": {"kind": "Widget", "plural": "widgets", "singular": "widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {
                    "status": {},
                    "scale": {
                        "specReplicasPath": ".spec.replicas",
                        "statusReplicasPath": ".status.n",
                    },
                },
                "additionalPrinterColumns": [
                    {"name": "Parts", "type": "string", "jsonPath": ".spec.parts[*].name"},
                    {"name": "Until", "type": "date", "jsonPath": ".spec.until"},
                ],
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": PROPERTIES,
                                "x-kubernetes-validations": [
                                    {"rule": "!has(oldSelf.colour) || has(self.colour)"},
                                    {
                                        "rule": "self.size < 8",
                                        "messageExpression": "'is ' + string(self.size)",
                                    },
                                ],
                            },
                            "status": {"type": "object", "properties": {"n": {"type": "integer"}}},
                        },
                    }
                },
            }
        ],
    },
}
GOOD["CronJob"] = {"spec": {"schedule": "* * * * *", "jobTemplate": GOOD["Job"]}}


class Dice(random.Random):
    """Grows and bends values."""

    def chance(self, part: float) -> bool:
        return self.random() < part

    def grown(self, shape: Shape, depth: int = 0) -> Any:
        """A value of a shape."""
        if self.chance(0.01):
            return self.choice(ODD)
        match shape.form:
            case "object":
                return self._object(shape, depth)
            case "map" | "list" if depth > DEEPEST or shape.item is None:
                return {} if shape.form == "map" else []
            case "map":
                keys = [name for name in (*NAMES, "cpu", "memory", "app") if self.chance(0.3)]
                return {key: self.grown(shape.item, depth + 1) for key in keys}
            case "list":
                count = self.choice((0, 1, 1, 2))
                return [self.grown(shape.item, depth + 1) for _ in range(count)]
        return self.choice(SCALARS[shape.form])

    def _object(self, shape: Shape, depth: int) -> dict[str, Any]:
        share = 0.5 / (depth + 1)
        result: dict[str, Any] = {}
        for name, field in shape.fields.items():
            wanted = name in shape.required and self.chance(0.97)
            if depth <= DEEPEST and (wanted or self.chance(share)):
                likely = name in COUNTS or (name in LIKELY and self.chance(0.9))
                value = self.choice(LIKELY[name]) if likely else self.grown(field.shape, depth + 1)
                result[name] = value
        return result

    def joined(self, good: Any, more: Any) -> Any:
        """A value with parts of another laid over it."""
        if not isinstance(good, dict) or not isinstance(more, dict):
            return good if self.chance(0.8) else more
        result = dict(good)
        for key, value in more.items():
            if key not in result:
                result[key] = value
            elif isinstance(value, dict):
                result[key] = self.joined(result[key], value)
        return result

    def bent(self, value: Any) -> Any:
        """A value with a few places changed to something odd."""
        if self.chance(0.03):
            return self.choice(ODD)
        if isinstance(value, dict):
            return {key: self.bent(item) for key, item in value.items() if self.chance(0.99)}
        if isinstance(value, list):
            return [self.bent(item) for item in value] * self.choice((1, 1, 1, 1, 2))
        return value

    def widget(self) -> dict[str, Any]:
        """An object of the definition above."""
        good = {
            "size": 1, "colour": "red", "share": 0.5, "either": "25%", "tags": {"a": "b"},
            "parts": [{"name": "a", "count": 1}], "anything": {"a": [1]}, "replicas": 1,
            "until": "2027-01-15T08:00:00Z",
        }  # fmt: skip
        spec = {name: value for name, value in good.items() if self.chance(0.5)}
        head = {"apiVersion": "fuzz.example/v1", "kind": "Widget", "spec": spec}
        whole = {**head, "metadata": {"name": self.choice(NAMES), "namespace": "default"}}
        return self.bent(whole) if self.chance(0.6) else whole

    def definition(self) -> dict[str, Any]:
        return self.bent(WIDGET) if self.chance(0.6) else WIDGET

    def object(self, info: KindInfo) -> dict[str, Any]:
        """A whole object of a kind."""
        grown = self._object(shape_of(info), 0) if self.chance(0.7) else {}
        whole = self.joined(GOOD.get(info.kind, {}), grown)
        found = whole.get("metadata")
        metadata = {**(found if isinstance(found, dict) else {}), "name": self.choice(NAMES)}
        if info.namespaced:
            metadata["namespace"] = "default"
        metadata.setdefault("labels", LABELS)
        whole = {**whole, "metadata": metadata, "apiVersion": info.api_version, "kind": info.kind}
        return self.bent(whole) if self.chance(0.4) else whole
