"""What a sync would change, before it does."""

from base64 import b64encode

from delivery_world import SCOPE, START, World, bundle, commit, deployment, manifest

from kiban.delivery.messages import Listed
from kiban.delivery.preview import needed_lists, preview
from kiban.kube.objects import Key, replaced


def listings(world: World, wanted: object) -> list[Listed]:
    lists = needed_lists(wanted, SCOPE)  # type: ignore[arg-type]
    return [
        Listed(
            item,
            [
                live
                for key, live in sorted(world.objects.items())
                if key.group_kind == item.kind and item.namespace in ("", key.namespace)
            ],
        )
        for item in lists
    ]


def test_a_preview_says_per_field_what_a_sync_would_do() -> None:
    world = World(now=START)
    delivery = world.start()
    delivery.observe(commit("a", {"web": "web:1", "old": "old:1", "x": "x:1"}), world.now)
    world.run(delivery)
    live = world.objects[deployment("web")]
    world.put(replaced(live, ["spec", "replicas"], 5))
    wanted = bundle({"web": "web:2", "new": "new:1", "x": "x:1"})
    lines = [
        line
        for change in preview(wanted, SCOPE, listings(world, wanted)).changes
        for line in change.lines()
    ]
    assert lines == [
        "+ Service/arcade-dev/new",
        "+ Deployment.apps/arcade-dev/new",
        "~ Deployment.apps/arcade-dev/web",
        "    spec.replicas: 5 -> 1",
        "    spec.template.spec.containers[0].image: web:1 -> web:2",
        "- Service/arcade-dev/old",
        "- Deployment.apps/arcade-dev/old",
    ]


def test_the_values_of_a_secret_are_never_shown() -> None:
    world = World(now=START)
    held = b64encode(b"hunter2").decode()
    world.put(manifest("Secret", "token", "web", data={"key": held}))
    wanted = bundle(
        {"web": "w:1"}, extra=(manifest("Secret", "token", "web", stringData={"key": "swordfish"}),)
    )
    found = preview(wanted, SCOPE, listings(world, wanted))
    change = next(
        entry for entry in found.changes if entry.key == Key("", "Secret", "arcade-dev", "token")
    )
    text = str(change.lines()) + str(change.as_data())
    assert "data.key: (hidden) -> (hidden)" in text
    for secret in ("hunter2", "swordfish", held):
        assert secret not in text
