"""7. A claim that waits for its first pod does not keep that pod from being made."""

from pathlib import Path

from delivery_stage import Stage, play


def test_a_claim_that_binds_with_its_first_pod_holds_nothing_up(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        name = f"late-{stage.scope.namespace}"
        storage = stage.manifest(
            "StorageClass",
            name,
            provisioner="kiban.dev/nobody",
            volumeBindingMode="WaitForFirstConsumer",
        )
        claim = stage.manifest(
            "PersistentVolumeClaim",
            "data",
            spec={
                "storageClassName": name,
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        )
        other = stage.deployment("web", "web")
        status = await stage.delivered(stage.commit([storage, claim, other]))
        assert status.problems == ()
        live = await stage.get("PersistentVolumeClaim", "data")
        assert live is not None
        assert live["status"]["phase"] == "Pending"
        await stage.cluster.delete(stage.key("StorageClass", name))

    play(kubeconfig, tmp_path, story)
