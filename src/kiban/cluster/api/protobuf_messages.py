"""The fields of the messages that kubectl's typed commands send, by their numbers on the wire.

Source: the `generated.proto` files of k8s.io/api and k8s.io/apimachinery.
"""

# Field types: s text, y bytes, i and b a number and a boolean whose zero means absent, I and B ones
# that are there when sent, t a time, x a number or a text; `[s` a list, `{s` a map from text to
# text (`{y` to bytes, `{q` to quantities); anything else is a message of that name. A field
# without a name lies inline.
MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    "Unknown": {
        1: ("type", "TypeMeta"), 2: ("raw", "raw"), 3: ("encoding", "s"), 4: ("media", "s"),
    },
    "TypeMeta": {1: ("apiVersion", "s"), 2: ("kind", "s")},
    "ObjectMeta": {
        1: ("name", "s"), 2: ("generateName", "s"), 3: ("namespace", "s"), 4: ("selfLink", "s"),
        5: ("uid", "s"), 6: ("resourceVersion", "s"), 7: ("generation", "i"),
        8: ("creationTimestamp", "t"), 9: ("deletionTimestamp", "t"),
        10: ("deletionGracePeriodSeconds", "I"), 11: ("labels", "{s"), 12: ("annotations", "{s"),
        13: ("ownerReferences", "[OwnerReference"), 14: ("finalizers", "[s"),
    },
    "OwnerReference": {
        1: ("kind", "s"), 3: ("name", "s"), 4: ("uid", "s"), 5: ("apiVersion", "s"),
        6: ("controller", "B"), 7: ("blockOwnerDeletion", "B"),
    },
    "LabelSelector": {
        1: ("matchLabels", "{s"), 2: ("matchExpressions", "[LabelSelectorRequirement"),
    },
    "LabelSelectorRequirement": {1: ("key", "s"), 2: ("operator", "s"), 3: ("values", "[s")},
    "DeleteOptions": {
        1: ("gracePeriodSeconds", "I"), 2: ("preconditions", "Preconditions"),
        3: ("orphanDependents", "B"), 4: ("propagationPolicy", "s"), 5: ("dryRun", "[s"),
    },
    "Preconditions": {1: ("uid", "s"), 2: ("resourceVersion", "s")},
    "Namespace": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "NamespaceSpec"),
        3: ("status", "NamespaceStatus"),
    },
    "NamespaceSpec": {1: ("finalizers", "[s")},
    "NamespaceStatus": {1: ("phase", "s")},
    "ConfigMap": {
        1: ("metadata", "ObjectMeta"), 2: ("data", "{s"), 3: ("binaryData", "{y"),
        4: ("immutable", "B"),
    },
    "Secret": {
        1: ("metadata", "ObjectMeta"), 2: ("data", "{y"), 3: ("type", "s"), 4: ("stringData", "{s"),
        5: ("immutable", "B"),
    },
    "ServiceAccount": {
        1: ("metadata", "ObjectMeta"), 3: ("imagePullSecrets", "[LocalObjectReference"),
        4: ("automountServiceAccountToken", "B"),
    },
    "LocalObjectReference": {1: ("name", "s")},
    "Deployment": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "DeploymentSpec"), 3: ("status", "Empty"),
    },
    "DeploymentSpec": {
        1: ("replicas", "I"), 2: ("selector", "LabelSelector"), 3: ("template", "PodTemplateSpec"),
        4: ("strategy", "DeploymentStrategy"), 5: ("minReadySeconds", "i"),
        6: ("revisionHistoryLimit", "I"), 7: ("paused", "b"), 9: ("progressDeadlineSeconds", "I"),
    },
    "DeploymentStrategy": {1: ("type", "s"), 2: ("rollingUpdate", "RollingUpdate")},
    "RollingUpdate": {1: ("maxUnavailable", "x"), 2: ("maxSurge", "x")},
    "PodTemplateSpec": {1: ("metadata", "ObjectMeta"), 2: ("spec", "PodSpec")},
    "PodSpec": {
        2: ("containers", "[Container"), 3: ("restartPolicy", "s"),
        4: ("terminationGracePeriodSeconds", "I"), 5: ("activeDeadlineSeconds", "I"),
        6: ("dnsPolicy", "s"), 7: ("nodeSelector", "{s"), 8: ("serviceAccountName", "s"),
        9: ("serviceAccount", "s"), 10: ("nodeName", "s"), 11: ("hostNetwork", "b"),
        12: ("hostPID", "b"), 13: ("hostIPC", "b"), 16: ("hostname", "s"), 17: ("subdomain", "s"),
        19: ("schedulerName", "s"), 24: ("priorityClassName", "s"),
    },
    "Container": {
        1: ("name", "s"), 2: ("image", "s"), 3: ("command", "[s"), 4: ("args", "[s"),
        5: ("workingDir", "s"), 6: ("ports", "[ContainerPort"), 7: ("env", "[EnvVar"),
        8: ("resources", "ResourceRequirements"), 13: ("terminationMessagePath", "s"),
        14: ("imagePullPolicy", "s"), 16: ("stdin", "b"), 17: ("stdinOnce", "b"), 18: ("tty", "b"),
        20: ("terminationMessagePolicy", "s"),
    },
    "ResourceRequirements": {1: ("limits", "{q"), 2: ("requests", "{q")},
    "ContainerPort": {
        1: ("name", "s"), 2: ("hostPort", "i"), 3: ("containerPort", "i"), 4: ("protocol", "s"),
        5: ("hostIP", "s"),
    },
    "EnvVar": {1: ("name", "s"), 2: ("value", "s")},
    "Job": {1: ("metadata", "ObjectMeta"), 2: ("spec", "JobSpec"), 3: ("status", "Empty")},
    "JobSpec": {
        1: ("parallelism", "I"), 2: ("completions", "I"), 3: ("activeDeadlineSeconds", "I"),
        4: ("selector", "LabelSelector"), 5: ("manualSelector", "B"),
        6: ("template", "PodTemplateSpec"), 7: ("backoffLimit", "I"),
        8: ("ttlSecondsAfterFinished", "I"), 9: ("completionMode", "s"), 10: ("suspend", "B"),
    },
    "CronJob": {1: ("metadata", "ObjectMeta"), 2: ("spec", "CronJobSpec"), 3: ("status", "Empty")},
    "CronJobSpec": {
        1: ("schedule", "s"), 2: ("startingDeadlineSeconds", "I"), 3: ("concurrencyPolicy", "s"),
        4: ("suspend", "B"), 5: ("jobTemplate", "JobTemplateSpec"),
        6: ("successfulJobsHistoryLimit", "I"), 7: ("failedJobsHistoryLimit", "I"),
        8: ("timeZone", "s"),
    },
    "JobTemplateSpec": {1: ("metadata", "ObjectMeta"), 2: ("spec", "JobSpec")},
    "Service": {1: ("metadata", "ObjectMeta"), 2: ("spec", "ServiceSpec"), 3: ("status", "Empty")},
    "ServiceSpec": {
        1: ("ports", "[ServicePort"), 2: ("selector", "{s"), 3: ("clusterIP", "s"),
        4: ("type", "s"),
        5: ("externalIPs", "[s"), 7: ("sessionAffinity", "s"), 8: ("loadBalancerIP", "s"),
        10: ("externalName", "s"), 11: ("externalTrafficPolicy", "s"),
        12: ("healthCheckNodePort", "i"), 13: ("publishNotReadyAddresses", "b"),
        17: ("ipFamilyPolicy", "s"), 18: ("clusterIPs", "[s"), 19: ("ipFamilies", "[s"),
    },
    "ServicePort": {
        1: ("name", "s"), 2: ("protocol", "s"), 3: ("port", "i"), 4: ("targetPort", "x"),
        5: ("nodePort", "i"), 6: ("appProtocol", "s"),
    },
    "Role": {1: ("metadata", "ObjectMeta"), 2: ("rules", "[PolicyRule")},
    "ClusterRole": {1: ("metadata", "ObjectMeta"), 2: ("rules", "[PolicyRule")},
    "PolicyRule": {
        1: ("verbs", "[s"), 2: ("apiGroups", "[s"), 3: ("resources", "[s"),
        4: ("resourceNames", "[s"), 5: ("nonResourceURLs", "[s"),
    },
    "RoleBinding": {
        1: ("metadata", "ObjectMeta"), 2: ("subjects", "[Subject"), 3: ("roleRef", "RoleRef"),
    },
    "ClusterRoleBinding": {
        1: ("metadata", "ObjectMeta"), 2: ("subjects", "[Subject"), 3: ("roleRef", "RoleRef"),
    },
    "Subject": {1: ("kind", "s"), 2: ("apiGroup", "s"), 3: ("name", "s"), 4: ("namespace", "s")},
    "RoleRef": {1: ("apiGroup", "s"), 2: ("kind", "s"), 3: ("name", "s")},
    "ResourceQuota": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "ResourceQuotaSpec"), 3: ("status", "Empty"),
    },
    "ResourceQuotaSpec": {
        1: ("hard", "{q"), 2: ("scopes", "[s"), 3: ("scopeSelector", "ScopeSelector"),
    },
    "ScopeSelector": {1: ("matchExpressions", "[ScopeRequirement")},
    "ScopeRequirement": {1: ("scopeName", "s"), 2: ("operator", "s"), 3: ("values", "[s")},
    "Quantity": {1: ("text", "s")},
    "PodDisruptionBudget": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "BudgetSpec"), 3: ("status", "Empty"),
    },
    "BudgetSpec": {
        1: ("minAvailable", "x"), 2: ("selector", "LabelSelector"), 3: ("maxUnavailable", "x"),
        4: ("unhealthyPodEvictionPolicy", "s"),
    },
    "PriorityClass": {
        1: ("metadata", "ObjectMeta"), 2: ("value", "I"), 3: ("globalDefault", "b"),
        4: ("description", "s"), 5: ("preemptionPolicy", "s"),
    },
    "Ingress": {1: ("metadata", "ObjectMeta"), 2: ("spec", "IngressSpec"), 3: ("status", "Empty")},
    "IngressSpec": {
        1: ("defaultBackend", "IngressBackend"), 2: ("tls", "[IngressTLS"),
        3: ("rules", "[IngressRule"), 4: ("ingressClassName", "s"),
    },
    "IngressTLS": {1: ("hosts", "[s"), 2: ("secretName", "s")},
    "IngressRule": {1: ("host", "s"), 2: ("", "IngressRuleValue")},
    "IngressRuleValue": {1: ("http", "HTTPIngressRuleValue")},
    "HTTPIngressRuleValue": {1: ("paths", "[HTTPIngressPath")},
    "HTTPIngressPath": {1: ("path", "s"), 2: ("backend", "IngressBackend"), 3: ("pathType", "s")},
    "IngressBackend": {
        3: ("resource", "TypedLocalObjectReference"), 4: ("service", "IngressServiceBackend"),
    },
    "TypedLocalObjectReference": {1: ("apiGroup", "s"), 2: ("kind", "s"), 3: ("name", "s")},
    "IngressServiceBackend": {1: ("name", "s"), 2: ("port", "ServiceBackendPort")},
    "ServiceBackendPort": {1: ("name", "s"), 2: ("number", "i")},
    "Eviction": {1: ("metadata", "ObjectMeta"), 2: ("deleteOptions", "DeleteOptions")},
    "TokenRequest": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "TokenRequestSpec"),
        3: ("status", "TokenRequestStatus"),
    },
    "TokenRequestSpec": {
        1: ("audiences", "[s"), 3: ("boundObjectRef", "BoundObjectReference"),
        4: ("expirationSeconds", "I"),
    },
    "TokenRequestStatus": {1: ("token", "s"), 2: ("expirationTimestamp", "t")},
    "BoundObjectReference": {
        1: ("kind", "s"), 2: ("apiVersion", "s"), 3: ("name", "s"), 4: ("uid", "s"),
    },
    "SelfSubjectReview": {1: ("metadata", "ObjectMeta"), 2: ("status", "SelfReviewStatus")},
    "SelfReviewStatus": {1: ("userInfo", "Empty")},
    "SelfSubjectAccessReview": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "SelfAccessSpec"), 3: ("status", "AccessStatus"),
    },
    "SelfAccessSpec": {
        1: ("resourceAttributes", "ResourceAttributes"),
        2: ("nonResourceAttributes", "NonResourceAttributes"),
    },
    "ResourceAttributes": {
        1: ("namespace", "s"), 2: ("verb", "s"), 3: ("group", "s"), 4: ("version", "s"),
        5: ("resource", "s"), 6: ("subresource", "s"), 7: ("name", "s"),
    },
    "NonResourceAttributes": {1: ("path", "s"), 2: ("verb", "s")},
    "AccessStatus": {1: ("allowed", "b"), 2: ("reason", "s"), 3: ("evaluationError", "s"),
                     4: ("denied", "b")},
    "SelfSubjectRulesReview": {
        1: ("metadata", "ObjectMeta"), 2: ("spec", "SelfRulesSpec"), 3: ("status", "RulesStatus"),
    },
    "SelfRulesSpec": {1: ("namespace", "s")},
    "RulesStatus": {3: ("incomplete", "b"), 4: ("evaluationError", "s")},
    "Empty": {},
    "Time": {1: ("seconds", "I"), 2: ("nanos", "I")},
    "IntOrString": {1: ("type", "I"), 2: ("number", "I"), 3: ("text", "s")},
}  # fmt: skip
