"""The single steps of a sync, each with its words for people."""

from collections.abc import Iterable, Sequence

from kiban.compiler.bundle import SecretNeed
from kiban.delivery.changes import Item
from kiban.delivery.hooks import Hook
from kiban.delivery.messages import Commit
from kiban.delivery.order import is_slow
from kiban.kube.objects import SECRET, Key, get_in
from kiban.plans.plan import Step

# Longer than a Deployment's default progress deadline (600 s), which is the better message.
SERVICE_SECONDS = 660.0
SECRET_SECONDS = 3600.0
OTHER_SECONDS = 120.0
# A hook without a deadline of its own may take so long.
HOOK_SECONDS = 3600.0
# What a Job with a deadline gets on top of it, to be told failed by Kubernetes itself.
GRACE_SECONDS = 60.0

VALIDATION, DEFINITIONS, ENVIRONMENT, ADDRESSES = (
    "validation",
    "definitions",
    "environment",
    "addresses",
)
# Steps whose objects belong to no service.
SHARED = (DEFINITIONS, ENVIRONMENT)
PRUNE, RECORD, TIDY = "prune", "record", "tidy"


def service_step(service: str) -> str:
    return f"service:{service}"


def support_step(service: str) -> str:
    return f"support:{service}"


def prepare_step(service: str) -> str:
    return f"prepare:{service}"


def switch_step(service: str) -> str:
    return f"switch:{service}"


def secret_key(need: SecretNeed) -> Key:
    return Key(SECRET.group, SECRET.kind, need.namespace, need.name)


def validation(items: Sequence[Item]) -> Step:
    return Step(
        id=VALIDATION,
        kind="validate",
        subject=VALIDATION,
        words=f"have the API server check {count(items)}",
        action=_keys(items),
        timeout_seconds=OTHER_SECONDS,
    )


def definitions(items: Sequence[Item], needs: tuple[str, ...]) -> Step:
    return Step(
        id=DEFINITIONS,
        kind="apply",
        subject=DEFINITIONS,
        words=f"define {count(items, 'kind')}",
        needs=needs,
        action=_keys(items),
        check={"healthy": [str(item.key) for item in items]},
        timeout_seconds=OTHER_SECONDS,
    )


def environment(items: Sequence[Item], needs: tuple[str, ...]) -> Step:
    is_long = any(is_slow(item.key) for item in items)
    return Step(
        id=ENVIRONMENT,
        kind="apply",
        subject=ENVIRONMENT,
        words=f"apply {count(items)} of the environment itself",
        needs=needs,
        action=_keys(items),
        check={"healthy": [str(item.key) for item in items]},
        timeout_seconds=SERVICE_SECONDS if is_long else OTHER_SECONDS,
    )


def addresses(items: Sequence[Item], needs: tuple[str, ...]) -> Step:
    return Step(
        id=ADDRESSES,
        kind="apply",
        subject=ADDRESSES,
        words=f"give every service its address ({count(items)})",
        needs=needs,
        action=_keys(items),
        timeout_seconds=OTHER_SECONDS,
    )


def secret(id_: str, need: SecretNeed, needs: tuple[str, ...], *, makes: bool) -> Step:
    verb = "make" if makes else "wait for"
    return Step(
        id=id_,
        kind="make-secret" if makes else "await-secret",
        subject=need.service or ENVIRONMENT,
        words=f"{verb} the Secret {need.name}",
        needs=needs,
        action={"secret": str(secret_key(need))},
        check={"exists": str(secret_key(need))},
        timeout_seconds=OTHER_SECONDS if makes else SECRET_SECONDS,
    )


def support(service: str, items: Sequence[Item], needs: tuple[str, ...]) -> Step:
    words = f"apply {count(items)} that the hooks of {service} need"
    return _early(support_step(service), service, words, items, needs)


def prepare(service: str, items: Sequence[Item], needs: tuple[str, ...]) -> Step:
    words = f"apply {count(items)} that the new pods of {service} need"
    return _early(prepare_step(service), service, words, items, needs)


def _early(
    id_: str, service: str, words: str, items: Sequence[Item], needs: tuple[str, ...]
) -> Step:
    """What is applied before the service's own step, and not waited for."""
    return Step(
        id=id_,
        kind="apply",
        subject=service,
        words=words,
        needs=needs,
        action=_keys(items),
        timeout_seconds=OTHER_SECONDS,
    )


def hook(wanted: Hook, needs: tuple[str, ...], on_failure_of: tuple[str, ...] = ()) -> Step:
    deadline = get_in(wanted.manifest, "spec", "activeDeadlineSeconds")
    when = {"before": "before", "after": "after", "failure": "for the failure of"}[wanted.when]
    return Step(
        id=wanted.step,
        kind="hook",
        subject=wanted.service or ENVIRONMENT,
        words=f"run {wanted.name} {when} {wanted.service or 'everything'}",
        needs=needs,
        action={"job": str(wanted.key)},
        check={"complete": str(wanted.key)},
        timeout_seconds=deadline + GRACE_SECONDS if deadline else HOOK_SECONDS,
        on_failure_of=on_failure_of,
    )


def service(
    name: str, items: Sequence[Item], needs: tuple[str, ...], watched: Iterable[Key]
) -> Step:
    return Step(
        id=service_step(name),
        kind="apply",
        subject=name,
        words=f"apply {count(items)} of {name}" if items else f"wait for {name}",
        needs=needs,
        action=_keys(items),
        check={"healthy": [str(key) for key in watched]},
        timeout_seconds=SERVICE_SECONDS,
    )


def held(name: str, why: str) -> Step:
    """Nothing is done about a service whose rollout failed, so the commit is not delivered."""
    return Step(
        id=service_step(name),
        kind="held",
        subject=name,
        words=f"leave {name} as it is",
        action={"why": why},
        timeout_seconds=OTHER_SECONDS,
    )


def switch(name: str, items: Sequence[Item], needs: tuple[str, ...]) -> Step:
    return Step(
        id=switch_step(name),
        kind="apply",
        subject=name,
        words=f"have the address of {name} lead to its new pods",
        needs=needs,
        action=_keys(items),
        timeout_seconds=OTHER_SECONDS,
    )


def prune(unwanted: Sequence[Item], needs: tuple[str, ...]) -> Step:
    return Step(
        id=PRUNE,
        kind="prune",
        subject=PRUNE,
        words=f"delete {count(unwanted)} that Git no longer wants",
        needs=needs,
        action=_keys(unwanted),
        check={"gone": [str(item.key) for item in unwanted]},
        timeout_seconds=SERVICE_SECONDS,
    )


def record(commit: Commit, needs: tuple[str, ...]) -> Step:
    return Step(
        id=RECORD,
        kind="record",
        subject=RECORD,
        words=f"record that {commit.short} is delivered",
        needs=needs,
        action={"commit": commit.id},
        timeout_seconds=OTHER_SECONDS,
    )


def tidy(needs: tuple[str, ...]) -> Step:
    return Step(
        id=TIDY,
        kind="tidy",
        subject=TIDY,
        words="let go of hooks that are over",
        needs=needs,
        timeout_seconds=OTHER_SECONDS,
    )


def count(items: Sequence[Item], noun: str = "object") -> str:
    return f"one {noun}" if len(items) == 1 else f"{len(items)} {noun}s"


def _keys(items: Iterable[Item]) -> dict[str, list[str]]:
    return {"objects": [str(item.key) for item in items]}
