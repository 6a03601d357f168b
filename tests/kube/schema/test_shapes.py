"""The facts about fields: how lists are keyed, what is atomic, that types may hold themselves."""

from kiban.kube.facts import facts
from kiban.kube.kinds import standard_kinds
from kiban.kube.schema import Shape, shape_of


def shape(word: str, *path: str) -> Shape:
    info = standard_kinds().typed(word)
    assert info is not None
    found = shape_of(info).at(*path)
    assert found is not None
    return found


def test_lists_know_how_they_are_keyed() -> None:
    containers = shape("deploy", "spec", "template", "spec", "containers")
    assert (containers.relation, containers.keys) == ("map", ("name",))
    ports = shape("svc", "spec", "ports")
    assert ports.keys == ("port", "protocol")
    assert ports.key_default("protocol") == "TCP" and ports.key_default("port") is None
    assert shape("cm", "metadata", "finalizers").relation == "set"
    assert shape("po", "spec", "tolerations").relation == "atomic"


def test_selectors_are_atomic() -> None:
    assert shape("deploy", "spec", "selector").atomic
    assert shape("svc", "spec", "selector").atomic
    assert not shape("deploy", "metadata", "labels").atomic


def test_patches_merge_by_their_own_keys() -> None:
    ports = shape("svc", "spec").fields["ports"]
    assert (ports.merge_key, ports.strategy) == ("port", ("merge",))
    strategy = shape("deploy", "spec").fields["strategy"]
    assert strategy.strategy == ("retainKeys",)


def test_a_type_may_hold_itself() -> None:
    root = shape("crd", "spec", "versions", "*", "schema", "openAPIV3Schema")
    assert root.at("not", "not", "not") is root


def test_every_type_that_a_field_names_is_in_the_table() -> None:
    names = set(facts()["types"])
    left = [shape_of(info) for info in standard_kinds() if info.type_name]
    seen: set[str] = set()
    while left:
        current = left.pop()
        if current.name in seen and current.form == "object":
            continue
        seen.add(current.name)
        left += [entry.shape for entry in current.fields.values()]
        left += [current.items] if current.form in ("list", "map") else []
    assert {name for name in seen if name.startswith("io.")} <= names
