"""Field selectors: what may be selected by, and what is chosen."""

import pytest
from tests.kube.manifests import pod

from kiban.kube.field_selectors import parse_field_selector
from kiban.kube.selectors import SelectorError


def test_terms_must_all_hold() -> None:
    selector = parse_field_selector("spec.nodeName=n1,status.phase!=Failed", "Pod")
    running = {**pod(nodeName="n1"), "status": {"phase": "Running"}}
    assert selector.chooses(running)
    assert not selector.chooses({**running, "status": {"phase": "Failed"}})
    assert not selector.chooses(pod())


def test_absence_has_kubernetes_own_values() -> None:
    assert parse_field_selector("spec.nodeName=", "Pod").chooses(pod())
    assert parse_field_selector("spec.hostNetwork=false", "Pod").chooses(pod())
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": {}}
    assert parse_field_selector("spec.unschedulable=false", "Node").chooses(node)
    done = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}}
    assert parse_field_selector("status.successful=0", "Job").chooses(done)


def test_a_selector_by_name_tells_the_name() -> None:
    selector = parse_field_selector("metadata.name=p,metadata.namespace=shop", "Secret")
    assert (selector.name, selector.namespace) == ("p", "shop")
    assert parse_field_selector("metadata.name!=p", "Secret").name is None


def test_a_comma_may_be_escaped() -> None:
    selector = parse_field_selector(r"reason=a\,b", "Event")
    assert [term.value for term in selector.terms] == ["a,b"]
    assert str(selector) == r"reason=a\,b"


@pytest.mark.parametrize(
    ("text", "kind", "what"),
    [
        ("spec.image=x", "Pod", "field label not supported: spec.image"),
        (
            "status.replicas=1",
            "Deployment",
            '"status.replicas" is not a known field selector: '
            'only "metadata.name", "metadata.namespace"',
        ),
        (
            "metadata.name",
            "Pod",
            "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
        ),
    ],
)
def test_other_fields_are_refused(text: str, kind: str, what: str) -> None:
    with pytest.raises(SelectorError) as error:
        parse_field_selector(text, kind)
    assert str(error.value) == what


def test_a_custom_kind_may_declare_fields() -> None:
    selector = parse_field_selector("spec.size=2", "Widget", declared=["spec.size"])
    assert selector.chooses({"kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 2}})


def test_newer_events_are_selected_by_their_own_names() -> None:
    selector = parse_field_selector("regarding.name=p,reportingController=c", "Event.events.k8s.io")
    event = {"kind": "Event", "involvedObject": {"name": "p"}, "reportingComponent": "c"}
    assert selector.chooses(event)
    assert not selector.chooses({**event, "involvedObject": {"name": "q"}})


def test_services_are_selected_by_type_and_address() -> None:
    service = {"kind": "Service", "spec": {"type": "ClusterIP", "clusterIP": "None"}}
    assert parse_field_selector("spec.type=ClusterIP", "Service").chooses(service)
    assert not parse_field_selector("spec.clusterIP!=None", "Service").chooses(service)


def test_nodes_know_no_namespace() -> None:
    with pytest.raises(SelectorError, match=r"field label not supported: metadata\.namespace"):
        parse_field_selector("metadata.namespace=x", "Node")
