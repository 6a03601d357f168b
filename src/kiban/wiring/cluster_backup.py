"""What `kiban cluster backup` and `kiban cluster restore` do."""

from pathlib import Path

from kiban.adapters.processes.warden import held
from kiban.adapters.store_backup import back_up, restore_backup
from kiban.wiring.cluster_command import state_at
from kiban.wiring.places import STORE_FILE


def back_up_cluster(directory: Path | None, file: Path) -> dict[str, object]:
    """Write a cluster's objects to a new file, while it runs or not; what the file holds."""
    snapshot = back_up(state_at(directory).cluster / STORE_FILE, file)
    return {"file": str(file), "objects": snapshot.objects, "revision": snapshot.revision}


def restore_cluster(directory: Path | None, file: Path, *, force: bool) -> dict[str, object]:
    """Put a backup in a cluster's place. Raises `KibanError` when the cluster runs, and when it
    has objects without `force`."""
    cluster = state_at(directory).cluster
    with held(cluster):
        snapshot = restore_backup(file, cluster / STORE_FILE, force=force)
    return {"file": str(file), "objects": snapshot.objects, "revision": snapshot.revision}
