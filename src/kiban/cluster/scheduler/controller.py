"""The scheduler as a controller: one key, which stands for the queue of pods without a node.

Changes go straight into the view and the queue; each reconcile places the next pods. A pod counts
on its node from the moment it is decided, so that the next one sees it there.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import NamedTuple
from weakref import WeakValueDictionary

from kiban.cluster.scheduler.belonging import own_selector
from kiban.cluster.scheduler.board import Board, Question
from kiban.cluster.scheduler.ground import Ground
from kiban.cluster.scheduler.images import wanted_images
from kiban.cluster.scheduler.messages import NO_NODES, rejection_of_all
from kiban.cluster.scheduler.node_info import PodInfo, pod_info
from kiban.cluster.scheduler.outcomes import bound, evicted, failed, nominated_node
from kiban.cluster.scheduler.pace import Pace
from kiban.cluster.scheduler.placing import Attempt, Finding, place
from kiban.cluster.scheduler.preemption import NEVER, UNDER_WAY, Answer, Candidate, preempt
from kiban.cluster.scheduler.queue import Queue, Waiting
from kiban.cluster.scheduler.scores.topology_spread import system_defaults
from kiban.cluster.scheduler.shape import Shape, shape_of
from kiban.cluster.scheduler.terms import Spread
from kiban.cluster.scheduler.verdict import Refusals, Rejection
from kiban.cluster.scheduler.view import View
from kiban.cluster.scheduler.volumes import missing_claim, volume_choices
from kiban.cluster.scheduler.watching import take_in
from kiban.kube.objects import (
    NAMESPACE,
    NODE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    REPLICA_SET,
    SERVICE,
    STATEFUL_SET,
    Key,
    Manifest,
    controller_of,
    labels_of,
)
from kiban.primitives.instants import Instant, seconds_between
from kiban.reconcile.commands import Bind, Command, Patch
from kiban.reconcile.controller import Change, Outcome, Snapshot

NAME = "default-scheduler"
QUEUE = Key("", "SchedulingQueue", "", NAME)
# Pods placed in one reconcile: enough to make the loop's own cost small.
BATCH = 16
# Boards kept, by pod shape; each is as long as there are nodes. Services take turns, so that with
# fewer boards than services nearly every pod would need a new one.
BOARDS_LIMIT = 2048
# Answers kept to "what belongs together with this pod"; one per set of pods.
DEFAULTS_LIMIT = 4096
# The kinds by which pods belong together.
_BELONGING = frozenset({SERVICE, REPLICA_SET, STATEFUL_SET})


class _Tried(NamedTuple):
    """What came of one pod. `ends_batch` when others must first see what was written."""

    commands: tuple[Command, ...] = ()
    ends_batch: bool = False


class Scheduler:
    """Places pods on nodes, by the rules and weights of Kubernetes' default profile; as quickly as
    it can, or at a `pace`."""

    name = NAME
    watches = frozenset(
        {POD, NODE, NAMESPACE, PERSISTENT_VOLUME_CLAIM, SERVICE, REPLICA_SET, STATEFUL_SET}
    )

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace
        self.view = View()
        self.queue = Queue()
        self._boards: OrderedDict[object, Board] = OrderedDict()
        # As long as a board stands on them.
        self._grounds: WeakValueDictionary[object, Ground] = WeakValueDictionary()
        self._defaults: dict[object, tuple[Spread, ...]] = {}
        self._start = 0

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind in _BELONGING:
            if change.after is None or _selector(change.before) != _selector(change.after):
                self._defaults.clear()
            return ()
        take_in(change, self.view, self.queue, NAME)
        return (QUEUE,) if self.queue.has_work() else ()

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        self._take_back(snapshot, now)
        self.view.settle()
        commands: list[Command] = []
        for _ in range(self._batch(now)):
            waiting = self.queue.pop(now)
            if waiting is None:
                break
            tried = self._try(waiting, snapshot, now)
            commands += tried.commands
            if tried.commands and self._pace is not None:
                self._pace.take(1)
            if tried.ends_batch:
                break
        return Outcome(tuple(commands), self._wake_after(now))

    def _batch(self, now: Instant) -> int:
        """The pods that may be tried now."""
        return BATCH if self._pace is None else min(BATCH, self._pace.left(now))

    def _wake_after(self, now: Instant) -> float | None:
        if self.queue.has_work():
            return self._pace.wait() if self._pace is not None else 0
        due = self.queue.next_due()
        return max(seconds_between(now, due), 0) if due is not None else None

    def _take_back(self, snapshot: Snapshot, now: Instant) -> None:
        """Bindings that were refused do not count, and are tried again later."""
        for refusal in snapshot.refusals:
            if not isinstance(refusal.command, Bind):
                continue
            pod = snapshot.get(refusal.command.pod)
            if pod is None or not pod["spec"].get("nodeName"):
                self.view.drop_pod(refusal.command.pod)
                if pod is not None:
                    self.queue.set_back(refusal.command.pod, pod["spec"].get("priority") or 0, now)

    def _try(self, waiting: Waiting, snapshot: Snapshot, now: Instant) -> _Tried:
        pod = snapshot.get(waiting.key)
        if pod is None or pod["spec"].get("nodeName"):
            self.queue.remove(waiting.key)
            return _Tried()
        if not self.view.order:
            self.queue.park(waiting, ("NoNodes",))
            return _Tried(failed(pod, NO_NODES, now), ends_batch=True)
        if (refused := self._refused_again(waiting, pod, now)) is not None:
            return refused
        info = pod_info(pod)
        lost_claim = missing_claim(info.shape, snapshot) if info.shape.claims else None
        if lost_claim is not None:
            return self._rejected_everywhere(waiting, pod, lost_claim, now)
        volumes = volume_choices(info.shape, snapshot) if info.shape.claims else ()
        attempt = Attempt(info, self._board(pod, info, snapshot), volumes)
        finding = place(attempt, self.view, self._start, nominated_node(pod))
        self._start = (self._start + finding.processed) % len(self.view.order)
        if finding.node:
            self.queue.remove(waiting.key)
            self.view.put_pod(info, finding.node)
            return _Tried(bound(pod, finding.node))
        return self._failed(waiting, pod, attempt, finding, (snapshot, now))

    def _refused_again(self, waiting: Waiting, pod: Manifest, now: Instant) -> _Tried | None:
        """What comes of a pod that every node still refuses by itself, where nobody could make
        room for it. Most attempts in a full cluster are such, and need no more than this."""
        shape, ground = waiting.shape, waiting.ground
        if ground is None or shape is None or shape is not shape_of(pod) or shape.claims:
            return None
        if self.view.has_pods_below(waiting.priority):
            return None
        refusals = ground.refusals()
        if refusals is None:
            return None
        self.queue.park(waiting, refusals.causes, shape, ground)
        is_meek = pod["spec"].get("preemptionPolicy") == "Never"
        text = refusals.message(NEVER if is_meek else refusals.without_victims)
        return _Tried(failed(pod, text, now, ""), ends_batch=True)

    def _rejected_everywhere(
        self, waiting: Waiting, pod: Manifest, rejection: Rejection, now: Instant
    ) -> _Tried:
        count = len(self.view.order)
        self.queue.park(waiting, (rejection.filter,))
        [reason] = rejection.reasons
        return _Tried(failed(pod, rejection_of_all(count, reason), now), ends_batch=True)

    def _failed(
        self,
        waiting: Waiting,
        pod: Manifest,
        attempt: Attempt,
        finding: Finding,
        world: tuple[Snapshot, Instant],
    ) -> _Tried:
        snapshot, now = world
        rejections = finding.rejections
        self.queue.park(waiting, rejections.causes, attempt.pod.shape, attempt.board.ground)
        answer = self._room(pod, attempt, rejections, snapshot)
        text = rejections.message(answer.message)
        if answer.candidate is None:
            keeps = answer.message == UNDER_WAY
            return _Tried(failed(pod, text, now, None if keeps else ""), ends_batch=True)
        commands = self._making_room(answer.candidate, pod, attempt.pod, world)
        told = failed(pod, text, now, answer.candidate.node)
        return _Tried((*told, *commands), ends_batch=True)

    def _room(
        self,
        pod: Manifest,
        attempt: Attempt,
        rejections: Refusals,
        snapshot: Snapshot,
    ) -> Answer:
        if pod["spec"].get("preemptionPolicy") == "Never":
            return Answer(message=NEVER)
        at = self.view.index.get(nominated_node(pod))
        if at is not None and not rejections[at].is_final:
            leaving = self.view.seats[at].pods.values()
            if any(
                other.terminating and other.preempted and other.priority < attempt.pod.priority
                for other in leaving
            ):
                return Answer(message=UNDER_WAY)
        return preempt(attempt, rejections, self.view, snapshot)

    def _making_room(
        self,
        candidate: Candidate,
        pod: Manifest,
        info: PodInfo,
        world: tuple[Snapshot, Instant],
    ) -> list[Command]:
        """Remove the victims; pods of lower priority lose their claim on the node."""
        snapshot, now = world
        commands: list[Command] = []
        for victim in candidate.victims:
            commands += evicted(victim, pod, candidate.node, snapshot, now)
        for other in list(self.view.nominated.get(candidate.node, {}).values()):
            if other.priority < info.priority:
                self.view.withdraw(other.key)
                nobody = {"status": {"nominatedNodeName": None}}
                commands.append(Patch(other.key, nobody, "status", other.uid))
        self.view.nominate(info, candidate.node)
        return commands

    def _board(self, pod: Manifest, info: PodInfo, snapshot: Snapshot) -> Board:
        shape = info.shape
        has_own = bool(shape.hard_spreads or shape.soft_spreads)
        defaults = () if has_own else self._spread_defaults(pod, snapshot)
        reads_labels = shape.reads_own_labels or self.view.affine_count > 0
        # Most clusters do not say which images are where; then shapes are shared by more pods.
        images = wanted_images(pod) if self.view.image_holders else ()
        identity = (
            shape.digest,
            shape.namespace,
            tuple(shape.labels.items()) if reads_labels else None,
            defaults,
            images,
        )
        board = self._boards.get(identity)
        if board is None:
            question, ground = Question(shape, defaults), self._ground(shape, images)
            board = self._boards[identity] = Board(question, self.view, ground)
            if len(self._boards) > BOARDS_LIMIT:
                self._boards.popitem(last=False)
        else:
            self._boards.move_to_end(identity)
        return board

    def _ground(self, shape: Shape, images: tuple[str, ...]) -> Ground:
        """One for all boards of pods that want the same of a node by itself."""
        identity = (shape.alone, images)
        ground = self._grounds.get(identity)
        if ground is None:
            ground = self._grounds[identity] = Ground(shape, images, self.view)
        return ground

    def _spread_defaults(self, pod: Manifest, snapshot: Snapshot) -> tuple[Spread, ...]:
        owner = controller_of(pod)
        identity = (
            pod["metadata"].get("namespace", ""),
            tuple(labels_of(pod).items()),
            owner["uid"] if owner else "",
        )
        found = self._defaults.get(identity)
        if found is None:
            if len(self._defaults) >= DEFAULTS_LIMIT:
                self._defaults.clear()
            selector = own_selector(pod, snapshot)
            found = system_defaults(selector) if selector is not None else ()
            self._defaults[identity] = found
        return found


def _selector(manifest: Manifest | None) -> object:
    return manifest["spec"].get("selector") if manifest is not None else None
