"""19. A kind and objects of it in one commit: one pass."""

from pathlib import Path

from delivery_stage import Stage, play

from kiban.kube.objects import Key, Manifest


def definition(group: str) -> Manifest:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
    }
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return {"spec": spec}


def test_a_definition_and_its_objects_come_in_one_commit(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        group = f"{stage.scope.namespace}.example.org"
        name = f"widgets.{group}"
        crd = stage.manifest("CustomResourceDefinition", name, **definition(group))
        widget = {**stage.manifest("Widget", "first", "web"), "apiVersion": f"{group}/v1"}
        commit = stage.commit([widget, crd, stage.config("plain", "web")])
        status = await stage.delivered(commit)
        assert status.problems == ()
        plans = stage.journal.entries(kind="plan")
        assert len(plans) == 1
        key = Key(group, "Widget", stage.scope.namespace, "first")
        live = await stage.cluster.get(key)
        assert live is not None
        # What its controller says of it counts, and is seen at once.
        said = {"type": "Ready", "status": "False", "reason": "NoSteel", "message": "out of steel"}
        await stage.cluster.patch(key, {"status": {"conditions": [said]}}, subresource="status")
        found = await stage.until(lambda status: "NoSteel" in str(status.services))
        assert "out of steel" in found.services[0].message
        await stage.cluster.delete(stage.key("CustomResourceDefinition", name))

    play(kubeconfig, tmp_path, story)
