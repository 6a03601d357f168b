"""Runs the hooks of one plan: makes their Jobs, waits for them, says why one failed in its own last
words, and lets go of those that are over.

A Job that a newer commit makes pointless is not cut off while a pod of it runs: a migration that
is ended half-way is worse than one that is waited for.
"""

from collections.abc import Mapping

from kiban.delivery.goal import Goal
from kiban.delivery.hiding import without_secrets
from kiban.delivery.hooks import (
    HOOK_FINALIZER,
    Hook,
    failure_text,
    goes_when_over,
    is_over,
    outcome,
    owned_hooks,
)
from kiban.delivery.judgement import Judge
from kiban.delivery.live import Live
from kiban.delivery.marks import HOOK_NAME_ANNOTATION, service_of
from kiban.delivery.messages import (
    Answer,
    Apply,
    LogRead,
    ObjectAsk,
    ReadLog,
    Refused,
    Release,
    Remove,
)
from kiban.kube.objects import (
    JOB,
    Key,
    Manifest,
    annotations_of,
    get_in,
    is_deleting,
    key_of,
    uid_of,
)
from kiban.plans.run import PASS, Result

# Of the log of a failed hook, what its failure says.
TAIL_LINES = 6
TAIL_LENGTH = 600

Groups = list[tuple[ObjectAsk, ...]]


class HookRuns:
    """The hooks of one plan, by the id of their step."""

    def __init__(self, hooks: Mapping[str, Hook], goal: Goal, live: Live, judge: Judge) -> None:
        self._hooks, self._goal, self._live, self._judge = hooks, goal, live, judge
        # The last words of each failed Job, and the pods that are being asked for them.
        self._tails: dict[Key, str] = {}
        self._reading: dict[Key, Key] = {}
        self._asks: list[ReadLog] = []

    def failed(self) -> list[Key]:
        """The Jobs of this plan's hooks that have failed."""
        keys = (hook.key for hook in self._hooks.values())
        return [key for key in keys if outcome(self._live.get(key)) == "failed"]

    def groups(self, step: str) -> Groups:
        """What has to be asked for a hook to run; nothing when it runs or has run."""
        hook = self._hooks[step]
        there = self._live.get(hook.key)
        if outcome(there) != "absent":
            return []
        found: Groups = []
        for job in self._others(hook):
            found += [*_released(job), (Remove(key_of(job), uid_of(job)),)]
        # One that a person deleted waits for us to let go of it.
        found += _released(there) if there is not None else []
        return [*found, (Apply(hook.key, hook.manifest, force=True),)]

    def obstacle(self, step: str) -> str:
        """What has to end before a hook may begin: the same hook of another release."""
        for job in self._others(self._hooks[step]):
            pods = self._live.pods_of(job)
            if any(get_in(pod, "status", "phase") == "Running" for pod in pods):
                return f"waits for {key_of(job).name}, which still runs"
        return ""

    def check(self, step: str) -> Result:
        """How a hook is getting on."""
        hook = self._hooks[step]
        job = self._live.get(hook.key)
        match outcome(job):
            case "done":
                return PASS
            case "failed":
                return self._failure(hook)
            case "absent":
                return Result("fail", f"the Job {hook.key.name} was deleted while it ran")
            case "running":
                verdict = self._judge(hook.key)
                return Result("unknown", f"Job {hook.key.name}: {verdict.message}")

    def asks(self) -> list[ReadLog]:
        """Logs to be read."""
        asks, self._asks = self._asks, []
        return asks

    def post(self, answer: Answer) -> None:
        """Take the answer to an ask for a log."""
        if not isinstance(answer, LogRead | Refused):
            return
        job = self._reading.pop(answer.key, None)
        if job is not None:
            text = answer.text if isinstance(answer, LogRead) else ""
            self._tails[job] = without_secrets(_tail(text), self._live)

    def letting_go(self) -> Groups:
        """Finished hooks of this and earlier releases: they need not be kept any longer, and go
        when their policy says so."""
        found: Groups = []
        for job in owned_hooks(self._live.of_kind(JOB), self._goal.scope):
            if is_over(job):
                found += _released(job)
                if goes_when_over(job, self._goal.wanted.hooks) and not is_deleting(job):
                    found.append((Remove(key_of(job), uid_of(job)),))
        return found

    def _others(self, hook: Hook) -> list[Manifest]:
        """Unfinished Jobs of the same hook for other releases."""
        return [
            job
            for job in owned_hooks(self._live.of_kind(JOB), self._goal.scope)
            if annotations_of(job)[HOOK_NAME_ANNOTATION] == hook.name
            and service_of(job) == hook.service
            and key_of(job) != hook.key
            and not is_over(job)
        ]

    def _failure(self, hook: Hook) -> Result:
        """The failure with the reason, once the last words of the Job are known."""
        pod = self._last_pod(hook.key)
        if pod is not None and hook.key not in self._tails:
            if hook.key not in self._reading.values():
                container = get_in(pod, "spec", "containers", 0, "name", default="")
                self._reading[key_of(pod)] = hook.key
                self._asks.append(ReadLog(key_of(pod), container))
            return Result("unknown", "reads what it said last")
        text = f"the Job {hook.key.name} failed: {failure_text(self._live.get(hook.key) or {})}"
        tail = self._tails.get(hook.key, "")
        return Result("fail", f"{text}; it said: {tail}" if tail else text, final=True)

    def _last_pod(self, job: Key) -> Manifest | None:
        live = self._live.get(job)
        pods = self._live.pods_of(live) if live is not None else ()
        return max(pods, key=_begun, default=None)


def needs_tidying(live: Live, goal: Goal) -> bool:
    """Whether hooks of this or earlier releases are kept although they are over."""
    return any(
        is_over(job)
        and (_is_kept(job) or goes_when_over(job, goal.wanted.hooks))
        and not (is_deleting(job) and not _is_kept(job))
        for job in owned_hooks(live.of_kind(JOB), goal.scope)
    )


def _is_kept(job: Manifest) -> bool:
    return HOOK_FINALIZER in (job["metadata"].get("finalizers") or ())


def _released(job: Manifest) -> Groups:
    """The ask that takes our finalizer off, where it is on."""
    if not _is_kept(job):
        return []
    left = (name for name in job["metadata"]["finalizers"] if name != HOOK_FINALIZER)
    return [(Release(key_of(job), tuple(left)),)]


def _begun(pod: Manifest) -> tuple[str, str]:
    return pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-TAIL_LINES:])[-TAIL_LENGTH:]
