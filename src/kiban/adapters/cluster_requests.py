"""Carries out one ask of delivery about one object, and answers as the API server did."""

import asyncio
import secrets

from kiban.adapters.sources.opening import open_sealed
from kiban.compiler.bundle import SecretNeed
from kiban.delivery.marks import FIELD_MANAGER, Scope
from kiban.delivery.messages import (
    Accepted,
    Answer,
    Applied,
    Apply,
    Conflict,
    DryRun,
    LogRead,
    MakeSecret,
    ObjectAsk,
    ReadLog,
    Refused,
    Release,
    Remove,
    Removed,
)
from kiban.delivery.secret_values import opened_manifest, secret_manifest
from kiban.kube.objects import Manifest
from kiban.kube.ports import ApiError, ClusterPort
from kiban.primitives.problems import KibanError

# Bytes of chance in a generated secret value, written in hexadecimal.
TOKEN_BYTES = 16
# Of the log of a hook that failed.
LOG_LINES = 20


async def answer_to(ask: ObjectAsk, cluster: ClusterPort, scope: Scope) -> Answer:
    """What the server says to an ask; what it refuses is an answer too."""
    try:
        return await _carried_out(ask, cluster, scope)
    except ApiError as error:
        return Refused(ask.key, error.code, error.reason, str(error), _conflicts(error))


async def _carried_out(ask: ObjectAsk, cluster: ClusterPort, scope: Scope) -> Answer:
    match ask:
        case Apply(key, manifest, force):
            found = await cluster.apply(manifest, manager=FIELD_MANAGER, force=force)
            return Applied(key, found)
        case MakeSecret(key, need):
            # Read again: what was seen may be older than what another process has made.
            secret = await _secret(need, await cluster.get(key), scope)
            return Applied(key, await cluster.apply(secret, manager=FIELD_MANAGER, force=True))
        case Remove(key, uid, orphans):
            await cluster.delete(key, uid=uid, propagation="Orphan" if orphans else "Background")
            return Removed(key)
        case DryRun(key, manifest):
            await cluster.apply(manifest, manager=FIELD_MANAGER, force=True, dry_run=True)
            return Accepted(key)
        case Release(key, finalizers):
            patch = {"metadata": {"finalizers": list(finalizers)}}
            return Applied(key, await cluster.patch(key, patch))
        case ReadLog(key, container):
            pieces = cluster.logs(key, container=container, tail=LOG_LINES)
            text = b"".join([piece async for piece in pieces])
            return LogRead(key, text.decode(errors="replace"))


async def _secret(need: SecretNeed, live: Manifest | None, scope: Scope) -> Manifest:
    if not need.sealed:
        return secret_manifest(need, live, scope, _token)
    try:
        opened = await asyncio.to_thread(open_sealed, need.sealed)
    except KibanError as error:
        raise ApiError(0, "CannotOpen", error.problems[0].what) from error
    return opened_manifest(need, opened, scope)


def _token() -> str:
    return secrets.token_hex(TOKEN_BYTES)


def _conflicts(error: ApiError) -> tuple[Conflict, ...]:
    """The fields that others own, of an apply that was refused for them."""
    causes = error.details.get("causes") or ()
    return tuple(
        Conflict(str(cause.get("message", "")), str(cause.get("field", "")))
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    )
