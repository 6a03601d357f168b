"""What kinds and fields are, in our own few words, for `kubectl explain`.

The published descriptions are other people's text. Kinds and the fields that people look up have a
sentence here; of the rest the name is spelled out, which together with type and path is what a
reader mostly needs.
"""

import re
from functools import cache

KINDS: dict[str, str] = {
    "APIService": "A group and version of the API, and who serves it.",
    "Binding": "Puts a pod on a node.",
    "CSIDriver": "What a storage driver can do.",
    "CSINode": "The storage drivers on a node.",
    "CertificateSigningRequest": "Asks a signer for a certificate.",
    "ClusterRole": "Rights that can be given in the whole cluster or in one namespace.",
    "ClusterRoleBinding": "Gives the rights of a cluster role in the whole cluster.",
    "ConfigMap": "Settings that pods can read as variables or files.",
    "ControllerRevision": "One state of the template of a StatefulSet or DaemonSet.",
    "CronJob": "Starts a job at the times of a schedule.",
    "CustomResourceDefinition": "Adds a kind of objects to the API.",
    "DaemonSet": "Keeps one pod on every node that fits.",
    "Deployment": "Keeps a number of equal pods, and replaces them step by step when they change.",
    "EndpointSlice": "Addresses behind a service, some of all.",
    "Endpoints": "Addresses behind a service; EndpointSlices have replaced them.",
    "Event": "Something that happened to an object.",
    "FlowSchema": "Says which requests belong to which level of priority.",
    "HorizontalPodAutoscaler": "Sets the number of replicas of a workload by metrics.",
    "IPAddress": "One address that is taken.",
    "Ingress": "Leads HTTP from outside to services, by host and path.",
    "IngressClass": "A controller that serves ingresses.",
    "Job": "Runs pods until enough of them have succeeded.",
    "Lease": "Who holds something, and until when.",
    "LimitRange": "Bounds and defaults for the resources of single objects in a namespace.",
    "LocalSubjectAccessReview": "Asks whether somebody may do something in one namespace.",
    "MutatingAdmissionPolicy": "Changes objects on their way in, by expressions.",
    "MutatingWebhookConfiguration": "Services that may change objects on their way in.",
    "Namespace": "A space for names and rights.",
    "NetworkPolicy": "Which traffic pods take and send.",
    "Node": "A machine that runs pods.",
    "PersistentVolume": "A piece of storage of the cluster.",
    "PersistentVolumeClaim": "Asks for a volume, and holds it.",
    "Pod": "Containers that run together on one node.",
    "PodDisruptionBudget": "How many pods of a set may be taken away on purpose at a time.",
    "PodTemplate": "A template for pods, by itself.",
    "PriorityClass": "A name for how important pods are.",
    "PriorityLevelConfiguration": "How many requests of a level are served at a time.",
    "ReplicaSet": "Keeps a number of equal pods.",
    "ReplicationController": "Keeps a number of equal pods; ReplicaSets have replaced it.",
    "ResourceQuota": "Bounds for the sum of resources in a namespace.",
    "Role": "Rights in one namespace.",
    "RoleBinding": "Gives the rights of a role in one namespace.",
    "RuntimeClass": "A way to run containers, such as a sandbox.",
    "Scale": "The number of replicas of a workload.",
    "Secret": "Values that few may read, such as passwords and keys.",
    "SelfSubjectAccessReview": "Asks what the caller may do.",
    "Service": "One address for a set of pods.",
    "ServiceAccount": "Who pods are towards the API.",
    "StatefulSet": "Keeps pods with names of their own, and a volume for each.",
    "StorageClass": "A way to make volumes.",
    "SubjectAccessReview": "Asks whether somebody may do something.",
    "TokenReview": "Asks whose token this is.",
    "ValidatingAdmissionPolicy": "Refuses objects on their way in, by expressions.",
    "ValidatingAdmissionPolicyBinding": "Puts a policy into force for some objects.",
    "ValidatingWebhookConfiguration": "Services that may refuse objects on their way in.",
    "VolumeAttachment": "Attaches a volume to a node.",
}

_FIELDS: dict[str, str] = {
    "activeDeadlineSeconds": "How long it may run before it is ended as failed.",
    "affinity": "Which nodes and neighbours are wanted or avoided.",
    "annotations": "Facts for tools; nothing is selected by them.",
    "apiVersion": "Group and version of the kind, such as apps/v1.",
    "args": "Arguments for the command.",
    "backoffLimit": "How many failures are tried again before all of it has failed.",
    "clusterIP": "The address inside of the cluster; None for no address.",
    "command": "The program to run, instead of the image's own.",
    "conditions": "What has been found out, one entry for each question.",
    "containerPort": "The port on the pod's address.",
    "containers": "The containers that run for as long as the pod does.",
    "creationTimestamp": "When the object was created. Set by the server.",
    "data": "The values by their keys.",
    "deletionGracePeriodSeconds": "How long the object has from being deleted to its end.",
    "deletionTimestamp": "When the object is to be gone. Set by the server.",
    "env": "Variables of the environment.",
    "envFrom": "Objects all of whose values become variables.",
    "finalizers": "Who must act before the deleted object may go.",
    "generateName": "The beginning of a name that the server completes.",
    "generation": "Counts the changes of what is wanted. Set by the server.",
    "image": "The image that is run.",
    "imagePullPolicy": "When the image is fetched: Always, IfNotPresent or Never.",
    "initContainers": "Containers that run before the others, one after another.",
    "kind": "The kind of object.",
    "labels": "Pairs by which objects are selected.",
    "lastTransitionTime": "When the status changed last.",
    "limits": "The most that may be used.",
    "livenessProbe": "Asks whether the container must be started anew.",
    "managedFields": "Who owns which fields. Kept by the server.",
    "matchExpressions": "Conditions on labels, all of which must hold.",
    "matchLabels": "Labels that must be there with these values.",
    "maxReplicas": "The most replicas there may be.",
    "maxSurge": "How many pods there may be above the wanted number, or what share.",
    "maxUnavailable": "How many pods may be missing, or what share.",
    "message": "What a person should know about it.",
    "metadata": "Name, labels and all else that every object has.",
    "minAvailable": "How many pods must stay, or what share.",
    "minReadySeconds": "How long a pod must be ready before it counts as available.",
    "minReplicas": "The fewest replicas there may be.",
    "mountPath": "Where the volume appears in the container.",
    "name": "The name.",
    "namespace": "The namespace.",
    "nodeName": "The node on which the pod runs.",
    "nodeSelector": "Labels that the node must have.",
    "observedGeneration": "The generation that the status is about.",
    "ownerReferences": "The objects with which this one goes.",
    "parallelism": "How many pods may run at a time.",
    "completions": "How many pods must succeed.",
    "path": "The path.",
    "paused": "Whether changes are left undone for now.",
    "phase": "Where in its life it is.",
    "port": "The port.",
    "ports": "The ports.",
    "priorityClassName": "The class that says how important the pod is.",
    "progressDeadlineSeconds": "How long without progress until a change counts as failed.",
    "protocol": "TCP, UDP or SCTP.",
    "readinessProbe": "Asks whether the container may be sent traffic.",
    "reason": "Why, in one word.",
    "replicas": "How many pods there are to be, or are.",
    "requests": "What is set aside, and what the scheduler counts.",
    "resourceVersion": "The state of the object, for watches and for safe changes.",
    "resources": "What it needs and may use.",
    "restartPolicy": "Whether containers that end are started again.",
    "revisionHistoryLimit": "How many former states are kept to go back to.",
    "rules": "What holds, one entry for each case.",
    "schedule": "When, as in a crontab.",
    "securityContext": "As whom and with which rights it runs.",
    "selector": "Which objects are meant, by their labels.",
    "serviceAccountName": "The account as which the pod speaks to the API.",
    "spec": "What is wanted.",
    "startupProbe": "Asks whether the container has started; other probes wait for it.",
    "status": "What is the case. Kept by controllers.",
    "storageClassName": "The class of storage.",
    "strategy": "How old pods are replaced by new ones.",
    "subjects": "Who gets the rights.",
    "suspend": "Whether nothing new is started for now.",
    "targetPort": "The port of the pods, by number or name.",
    "template": "What the made objects are like.",
    "terminationGracePeriodSeconds": "How long a pod has to end by itself.",
    "tolerations": "Taints of nodes that the pod bears.",
    "topologySpreadConstraints": "How pods are spread over parts of the cluster.",
    "ttlSecondsAfterFinished": "How long after its end it is deleted.",
    "type": "Which kind of it.",
    "uid": "The identity of the object. Set by the server.",
    "updateStrategy": "How pods are replaced by new ones.",
    "value": "The value.",
    "valueFrom": "Where the value comes from.",
    "verbs": "What may be done.",
    "volumeClaimTemplates": "The volumes that every pod gets of its own.",
    "volumeMounts": "Where volumes appear in the container.",
    "volumes": "The volumes that containers can mount.",
    "workingDir": "The directory in which the program starts.",
}


@cache
def text_of_kind(kind: str) -> str:
    """A sentence on a kind."""
    return KINDS.get(kind) or f"{_spelled(kind)}."


@cache
def text_of_field(name: str) -> str:
    """A sentence on a field, by its name."""
    return _FIELDS.get(name) or f"{_spelled(name)}."


_WORDS = re.compile(r"[A-Z]{2,}s(?![a-z])|[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")


def _spelled(name: str) -> str:
    """`serviceAccountName` as `Service account name`."""
    words = [word if word[:2].isupper() else word.lower() for word in _WORDS.findall(name)]
    text = " ".join(words) or name
    return text[:1].upper() + text[1:]
