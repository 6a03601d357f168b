"""A process that is killed at any write of a rollout: the next one ends it like any other."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kiban.compiler import compile_environment
from kiban.compiler.rollout import REVISION_LABEL
from kiban.delivery.delivery import Delivery
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Answer, Ask, Commit, Desired, Measure, Measured
from kiban.kube.objects import Key, Manifest, get_in
from kiban.plans.records import Event, PlanClosed
from kiban.spec import load_platform

sys.path.insert(0, str(Path(__file__).parent.parent))
from delivery_world import Killed, World

SCOPE = Scope("shop", "prod", "kube", "shop-prod")
PLATFORM = "platform: shop\nenvironments: {prod: {domain: shop.localhost}}\n"
WEB = "port: 8080\nroutes: {main: /}\nscale: 4\n"
STABLE = Key("apps", "Deployment", "shop-prod", "web")
CANARY = STABLE._replace(name="web-canary")
CANARY_SERVICE = Key("", "Service", "shop-prod", "web-canary")
INGRESS = Key("networking.k8s.io", "Ingress", "shop-prod", "web")
POLICIES = (
    "{strategy: canary, steps: [10%, 50%], pause: 3s}",
    "{strategy: blue-green, pause: 3s}",
    "{strategy: canary, steps: [20%], pause: 3s, by: replicas}",
)


def desired(tag: str, policy: str) -> Desired:
    web = f"image: registry.example/web:{tag}\n{WEB}rollout: {policy}\n"
    files = {"platform.yaml": PLATFORM, "services/web.yaml": web}
    bundle = compile_environment(load_platform(files), "prod", local=True)
    return Desired(Commit(f"{tag}-commit"), bundle)


@dataclass
class Shop(World):
    """A cluster of the shop, whose gates answer as they are told."""

    verdict: str = "pass"

    def start(self, **options: Any) -> Delivery:
        opened = {record.plan.id: record for record in self.journal if hasattr(record, "token")}
        for record in self.journal:
            if isinstance(record, PlanClosed):
                opened.pop(record.plan, None)
        return Delivery(SCOPE, unfinished=opened.values(), **options)

    def answer(self, ask: Ask) -> Answer | None:
        if isinstance(ask, Measure):
            return Measured(ask.gate, self.verdict, "as told", ask.until)  # type: ignore[arg-type]
        found = super().answer(ask)
        self.check()
        return found

    def check(self) -> None:
        """What holds at every moment: where a share leads to, there are pods that are ready, or
        the Deployment itself has taken them over."""
        ingress = self.objects.get(INGRESS)
        if ingress is None or not canary_share(ingress):
            return
        wanted = self.objects[CANARY_SERVICE]["spec"]["selector"][REVISION_LABEL]
        able = [
            revision(live)
            for key in (STABLE, CANARY)
            if (live := self.objects.get(key)) is not None
            and get_in(live, "status", "availableReplicas", default=0) > 0
        ]
        assert wanted in able

    def deliver(self, wanted: Desired) -> Delivery:
        delivery = self.start()
        delivery.observe(wanted, self.now)
        self.run(delivery, 60)
        return delivery

    def told(self) -> list[str]:
        """Of which commits it was said that they are delivered."""
        return [
            str(record.data["commit"])
            for record in self.journal
            if isinstance(record, Event) and record.code == "delivery/delivered"
        ]

    def state(self) -> dict[Key, Any]:
        """The objects as people wrote them."""
        return {
            key: (live.get("spec"), live["metadata"].get("labels"))
            for key, live in sorted(self.objects.items())
        }


def canary_share(ingress: Manifest) -> int:
    backend = str(get_in(ingress, "spec", "rules", default=[]))
    if "use-annotation" not in backend:
        return 0
    notes = ingress["metadata"]["annotations"]
    [text] = [text for name, text in notes.items() if "/actions." in name]
    return int(json.loads(text)["forwardConfig"]["targetGroups"][1]["weight"])


def revision(deployment: Manifest) -> str:
    labels = get_in(deployment, "spec", "template", "metadata", "labels", default={})
    return str(labels.get(REVISION_LABEL, ""))


def delivered(policy: str) -> Shop:
    shop = Shop()
    assert shop.deliver(desired("v1", policy)).status().is_ready
    return shop


@pytest.mark.parametrize("policy", POLICIES)
def test_a_rollout_that_is_killed_at_any_write_ends_as_one_that_is_not(policy: str) -> None:
    whole = delivered(policy)
    whole.writes_left = 1_000
    whole.deliver(desired("v2", policy))
    writes = 1_000 - whole.writes_left
    assert CANARY not in whole.objects
    assert writes > 10
    for survived in range(writes):
        shop = delivered(policy)
        shop.writes_left = survived
        with pytest.raises(Killed):
            shop.deliver(desired("v2", policy))
        shop.writes_left = 1_000
        again = shop.deliver(desired("v2", policy))
        assert again.status().is_ready, survived
        assert shop.state() == whole.state(), survived


@pytest.mark.parametrize("policy", POLICIES)
def test_a_way_back_that_is_killed_at_any_write_is_gone_to_its_end(policy: str) -> None:
    whole = delivered(policy)
    whole.verdict, whole.writes_left = "fail", 1_000
    assert whole.deliver(desired("v2", policy)).status().phase == "failing"
    writes = 1_000 - whole.writes_left
    assert canary_share(whole.objects[INGRESS]) == 0
    assert get_in(whole.objects[CANARY], "spec", "replicas") == 0
    for survived in range(writes):
        shop = delivered(policy)
        shop.verdict, shop.writes_left = "fail", survived
        with pytest.raises(Killed):
            shop.deliver(desired("v2", policy))
        shop.writes_left = 1_000
        assert shop.deliver(desired("v2", policy)).status().phase == "failing", survived
        done = [one for one in shop.journal if isinstance(one, PlanClosed) and one.ending == "done"]
        assert {one.facts["commit"] for one in done} == {"v1-commit"}, survived
        assert shop.told() == ["v1-commit"], survived
        assert shop.state() == whole.state(), survived
        assert shop.deliver(desired("v1", policy)).status().is_ready, survived
        assert CANARY not in shop.objects, survived


def test_a_commit_of_which_one_service_is_held_is_never_called_delivered() -> None:
    policy = POLICIES[0]
    shop = delivered(policy)
    shop.verdict = "fail"
    assert shop.deliver(desired("v2", policy)).status().phase == "failing"
    # Something of another service is missing when the next process looks.
    network = Key("networking.k8s.io", "NetworkPolicy", "shop-prod", "default-deny")
    del shop.objects[network]
    again = shop.deliver(desired("v2", policy))
    assert network in shop.objects
    assert again.status().phase == "failing"
    assert shop.told() == ["v1-commit"]
