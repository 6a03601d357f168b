"""One service whose new pods are taking over: what is known of it, and how far it has come.

Everything is read from the objects themselves, so that any process can go on with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kiban.compiler.rollout import REVISION_LABEL
from kiban.delivery.progressive.policy import Policy
from kiban.kube.objects import Key, Manifest, get_in, labels_of
from kiban.primitives.instants import Instant

# On everything that is there for a rollout only: the Deployment whose pods are being replaced.
CANARY_OF = "kiban.dev/canary-of"
# On the Deployment of the new pods: its stage, since when that goes on, and why it was given up.
STAGE, SINCE, WHY = "kiban.dev/rollout-stage", "kiban.dev/rollout-since", "kiban.dev/rollout-why"
ABORTED = "aborted"
SUFFIX = "-canary"


@dataclass(frozen=True, slots=True)
class Progress:
    """`wanted` and `live` are the Deployment as it shall be and as it is, `related` the wanted
    Services, Ingresses and autoscalers of it. `stage` is the one that was reached, -1 for none;
    with `is_promoting` the release has been found good already."""

    service: str
    policy: Policy
    key: Key
    wanted: Manifest
    live: Manifest
    related: Mapping[Key, Manifest]
    stage: int = -1
    since: Instant | None = None
    why: str = ""
    is_promoting: bool = False
    has_canary: bool = False

    @property
    def canary(self) -> Key:
        """The Deployment of the new pods."""
        return self.key._replace(name=self.key.name + SUFFIX)

    @property
    def size(self) -> int:
        """How many old pods there are to be."""
        found: int = get_in(self.live, "spec", "replicas", default=1)
        return found

    @property
    def old(self) -> str:
        return revision_of(self.live)

    @property
    def new(self) -> str:
        return revision_of(self.wanted)

    @property
    def image(self) -> str:
        containers = get_in(self.wanted, "spec", "template", "spec", "containers", default=[])
        return str(containers[0].get("image", "")) if containers else ""


def revision_of(deployment: Manifest) -> str:
    """The label by which a Deployment's pods are told from those of other releases."""
    template = get_in(deployment, "spec", "template", default={})
    return str(labels_of(template).get(REVISION_LABEL, "")) if template.get("metadata") else ""
