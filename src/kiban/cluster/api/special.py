"""Kinds that are never stored: creating one asks a question or does an act.

Bindings assign a pod; reviews answer in their status (kubernetes/pkg/registry/{authentication,
authorization}).
"""

from collections.abc import Callable

from kiban.cluster.api import pods
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import World
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import GroupKind
from kiban.primitives.instants import Instant

Handler = Callable[[World, Request, Target, KindInfo, Instant], Response]

SPECIAL: dict[GroupKind, Handler] = {
    GroupKind("", "Binding"): pods.bind,
}
