"""Kinds that are never stored: creating one asks a question or does an act, or reading one asks
what is measured.

Bindings assign a pod; reviews answer in their status (kubernetes/pkg/registry/{authentication,
authorization}).
"""

from collections.abc import Callable

from kiban.cluster.api import pods, reviews
from kiban.cluster.api.metrics import NODE_METRICS, POD_METRICS
from kiban.cluster.api.metrics import answer as metrics_answer
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import World
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import GroupKind
from kiban.primitives.instants import Instant

Handler = Callable[[World, Request, Target, KindInfo, Instant], Response]

_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"

SPECIAL: dict[GroupKind, Handler] = {
    GroupKind("", "Binding"): pods.bind,
    GroupKind(_AUTHENTICATION, "SelfSubjectReview"): reviews.who_am_i,
    GroupKind(_AUTHENTICATION, "TokenReview"): reviews.whose_token,
    GroupKind(_AUTHORIZATION, "SelfSubjectAccessReview"): reviews.may_i,
    GroupKind(_AUTHORIZATION, "SelfSubjectRulesReview"): reviews.what_may_i,
    GroupKind(_AUTHORIZATION, "SubjectAccessReview"): reviews.may_they,
    GroupKind(_AUTHORIZATION, "LocalSubjectAccessReview"): reviews.may_they,
    NODE_METRICS: metrics_answer,
    POD_METRICS: metrics_answer,
}
