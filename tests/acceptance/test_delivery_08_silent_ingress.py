"""8. An Ingress whose class never publishes an address is not on its way for ever."""

from pathlib import Path

from delivery_stage import Stage, play

from kiban.delivery.judgement import ADDRESS_SECONDS, Judge
from kiban.delivery.live import Live
from kiban.delivery.messages import Seen
from kiban.kube.objects import key_of
from kiban.primitives.instants import later, parse_rfc3339


def test_an_ingress_without_an_address_is_delivered_and_well_in_the_end(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        backend = {"service": {"name": "web", "port": {"number": 80}}}
        path = {"path": "/", "pathType": "Prefix", "backend": backend}
        rule = {"host": f"{stage.scope.namespace}.example.org", "http": {"paths": [path]}}
        spec = {"ingressClassName": "silent", "rules": [rule]}
        ingress = stage.manifest("Ingress", "web", "web", spec=spec)
        wanted = [stage.address("web", "web"), stage.deployment("web", "web"), ingress]
        status = await stage.delivered(stage.commit(wanted))
        assert status.phase == "synced"
        live = await stage.get("Ingress", "web")
        assert live is not None
        judge, key = Judge(Live()), key_of(live)
        judge.live.seen(Seen(live))
        created = parse_rfc3339(live["metadata"]["creationTimestamp"])
        judge.tell(later(created, ADDRESS_SECONDS / 2))
        assert judge(key).status == "Progressing"
        judge.tell(later(created, ADDRESS_SECONDS + 1))
        assert (judge(key).status, judge(key).reason) == ("Healthy", "NoAddress")
        assert "the class is silent" in judge(key).message

    play(kubeconfig, tmp_path, story)
