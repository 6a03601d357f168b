"""Who set which field: managedFields after each kind of write, and server-side apply."""

from kiban.cluster.api.calls import Call
from kiban.cluster.api.failures import Failure, internal
from kiban.kube import ownership
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest
from kiban.kube.ownership import Applied, FieldConflicts, WrongConfiguration, reset_fields
from kiban.kube.schema import Shape


def after_write(
    shape: Shape,
    info: KindInfo,
    live: Manifest | None,
    new: Manifest,
    call: Call,
    subresource: str = "",
) -> Manifest:
    """The object with the writer as the owner of what it set or changed."""
    managed = ownership.track_update(
        live,
        new,
        manager=call.manager,
        shape=shape,
        now=call.now,
        subresource=subresource,
        reset=reset_fields(info, subresource),
    )
    metadata = {key: value for key, value in new["metadata"].items() if key != "managedFields"}
    if managed:
        metadata["managedFields"] = managed
    return {**new, "metadata": metadata}


def applied(
    shape: Shape,
    info: KindInfo,
    live: Manifest | None,
    config: Manifest,
    call: Call,
    *,
    force: bool,
    subresource: str = "",
) -> Applied:
    """The live object with a configuration merged in. Raises `Failure`."""
    try:
        return ownership.apply(
            live,
            config,
            manager=call.manager,
            shape=shape,
            now=call.now,
            force=force,
            subresource=subresource,
            reset=reset_fields(info, subresource),
        )
    except FieldConflicts as conflicts:
        details = {"causes": conflicts.causes}
        raise Failure(409, "Conflict", str(conflicts), details) from conflicts
    except WrongConfiguration as wrong:
        raise internal(str(wrong)) from wrong
