"""A Kubernetes-compatible cluster as one value: store, API, controllers and kubelet; no I/O.

A driver asks `next_due`, calls `step(now)`, carries out the asks that come back, and posts the
answers; requests of clients go through `handle`. The wall clock with real processes and the
virtual clock with modelled ones drive the same code: same seed and same inputs, same state.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kiban.cluster.admission.chain import admissions
from kiban.cluster.api.answering import answer
from kiban.cluster.api.calls import User
from kiban.cluster.api.metrics import METRICS_KINDS
from kiban.cluster.api.registry import Registry
from kiban.cluster.api.values import Request, Response
from kiban.cluster.api.world import Tokens, World
from kiban.cluster.api_services import ApiServiceController, api_services
from kiban.cluster.asks import Ask, Report
from kiban.cluster.authorization.accounts import user_of_claims
from kiban.cluster.bootstrap import bootstrap_objects
from kiban.cluster.certificates import CertificateSigner
from kiban.cluster.consulting import Question, Reply
from kiban.cluster.definitions import DefinitionController
from kiban.cluster.executor import InProcessExecutor, Interrupted
from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.networking.moving import moved_objects
from kiban.cluster.store import Store
from kiban.cluster.usage import MetricsView
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import Manifest, key_of
from kiban.primitives.chance import Chance
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Create
from kiban.reconcile.controller import Change, Controller, Snapshot
from kiban.reconcile.loop import Loop
from kiban.reconcile.trace import Trace

# Reconciles in one step, so that a driver's event loop gets its turn: about 20 ms of work.
STEP_LIMIT = 100
# Restored objects shown in one step: as much work.
SHOWN_AT_ONCE = 250
DEFAULT_PLAN = AddressPlan(0)
EPOCH_INSTANT = Instant(0)


class NodeAgent(Protocol):
    """The kubelets of all nodes: state tables that turn pods into asks, and reports into status."""

    def observe(self, change: Change, now: Instant) -> None: ...
    def report(self, report: Report, now: Instant) -> None: ...
    def next_due(self) -> Instant | None: ...
    def step(self, snapshot: Snapshot, now: Instant) -> tuple[Sequence[Command], Sequence[Ask]]: ...


@dataclass
class Cluster:
    """Everything of one cluster but the outside world. `bootstrap` fills a new one."""

    registry: Registry
    loop: Loop
    executor: InProcessExecutor
    kubelet: NodeAgent | None = None
    plan: AddressPlan = DEFAULT_PLAN
    tokens: Tokens | None = None
    metrics: MetricsView | None = None
    _now: Instant = EPOCH_INSTANT
    _unseen: deque[Manifest] = field(default_factory=deque)

    @property
    def world(self) -> World:
        return World(self.registry, self.tokens, self.metrics)

    @property
    def store(self) -> Store:
        return self.registry.store

    def next_due(self) -> Instant | None:
        """When there is work without anything new from outside; None when there is none."""
        if self.store.has_changes or self._unseen:
            return self._now
        dues = [self.loop.next_due(), self.kubelet.next_due() if self.kubelet else None]
        return min((due for due in dues if due is not None), default=None)

    def step(self, now: Instant, limit: int = STEP_LIMIT) -> list[Ask]:
        """Do the work that is due, at most `limit` reconciles; what the world is asked to do."""
        self._now = now
        if self._unseen:
            self._show_restored(now)
            return []
        self._spread(now)
        for _ in range(limit):
            if not self.loop.step(self.store, now):
                break
            self._spread(now)
        asks: list[Ask] = []
        if self.kubelet is not None:
            commands, asks_now = self.kubelet.step(self.store, now)
            asks.extend(asks_now)
            if commands:
                self.executor.execute("kubelet", commands, now)
                self._spread(now)
        return asks

    def post(self, report: Report, now: Instant) -> None:
        """Take in an answer of the world."""
        self._now = now
        if self.kubelet is not None:
            self.kubelet.report(report, now)

    def handle(self, request: Request, now: Instant) -> Response:
        """Answer a client."""
        self._now = now
        return answer(self.world, request, now)

    def take_interrupted(self) -> list[Interrupted]:
        """The commands that wait for those outside; give each to `go_on` with their replies."""
        taken, self.executor.interrupted = self.executor.interrupted, []
        return taken

    def go_on(self, work: Interrupted, replies: Mapping[Question, Reply], now: Instant) -> None:
        """Go on with commands whose questions have been answered."""
        assert work.consultation is not None, "only what consults is interrupted"
        self._now = now
        work.consultation.replies.update(replies)
        refusals = self.executor.go_on(work, now)
        if refusals is not None:
            self.loop.answer_commands(work.commands, refusals, now)

    def user_of_token(self, token: str, now: Instant) -> User | None:
        """The service account whose token this is, if it is one and still good."""
        claims = self.tokens.read(token) if self.tokens is not None else None
        return user_of_claims(self.store, claims, now) if claims is not None else None

    def bootstrap(self, now: Instant) -> None:
        """Create what every cluster has from its first moment."""
        objects = [
            *bootstrap_objects(self.plan.service_cidr),
            *api_services(self.registry.built_in),
        ]
        commands = [Create(manifest) for manifest in objects]
        self.executor.execute("kube-apiserver", commands, now)

    def resume(self, now: Instant) -> None:
        """Have the next steps show every restored object to the controllers, as if it had just
        been created; nothing is decided before they have seen all. Requests are answered already.

        Addresses of another slot, which somebody else holds now, are moved to ours before.
        """
        self._now = now
        for manifest in list(moved_objects(self.store, self.plan)):
            self.store.put(manifest)
        for kind in self.store.kinds():
            self._unseen.extend(self.store.list(kind))

    @property
    def is_resuming(self) -> bool:
        """Whether there are restored objects that the controllers have not seen."""
        return bool(self._unseen)

    def _show_restored(self, now: Instant) -> None:
        for _ in range(min(SHOWN_AT_ONCE, len(self._unseen))):
            manifest = self._unseen.popleft()
            self._show(Change(key_of(manifest), None, manifest), now)

    def _spread(self, now: Instant) -> None:
        for change in self.store.take_changes():
            self._show(change, now)

    def _show(self, change: Change, now: Instant) -> None:
        self.loop.observe(change, self.store, now)
        if self.kubelet is not None:
            self.kubelet.observe(change, now)


def assembled(
    seed: int | str,
    controllers: Iterable[Controller],
    *,
    kubelet: NodeAgent | None = None,
    trace: Trace | None = None,
    plan: AddressPlan = DEFAULT_PLAN,
    tracks_ownership: bool = True,
    metrics: MetricsView | None = None,
    signer: CertificateSigner | None = None,
    executor: Callable[[Registry], InProcessExecutor] = InProcessExecutor,
) -> Cluster:
    """An empty cluster of these parts: `bootstrap` it, or restore its store from a journal.

    With a view of metrics, `metrics.k8s.io` is served from it.
    """
    registry = Registry(
        Store(Chance(seed)),
        standard_kinds().including(METRICS_KINDS if metrics is not None else ()),
        admissions=admissions(plan, signer),
        tracks_ownership=tracks_ownership,
    )
    carrier = executor(registry)
    return Cluster(
        registry,
        Loop([DefinitionController(), ApiServiceController(), *controllers], carrier, trace),
        carrier,
        kubelet,
        plan,
        metrics=metrics,
    )
