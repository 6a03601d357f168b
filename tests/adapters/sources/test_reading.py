"""Files among which some are no objects, or nothing that can be read."""

from kiban.adapters.sources.reading import Read, read_manifests

MAP = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"


def read(data: bytes) -> Read:
    return read_manifests({"a.yaml": MAP, "z.yaml": data})


def test_a_file_that_cannot_be_read_does_not_hide_the_others() -> None:
    found = read(MAP + b"---\nkind: X\nmetadata:\n\tname: tabs\n")
    assert [one.file for one in found.documents] == ["a.yaml", "z.yaml"]
    assert found.unread["z.yaml"].startswith("line 7: this is not YAML")


def test_bytes_that_are_no_text_are_not_guessed_at() -> None:
    assert "no UTF-8" in read(MAP + b"data: {a: caf\xe9}\n").unread["z.yaml"]


def test_a_template_is_no_object() -> None:
    for text in (b"{{- if .Values.on }}\nkind: X\n{{- end }}\n", MAP.replace(b"a}", b"'{{ n }}'}")):
        found = read(text)
        assert len(found.documents) == 1
        assert found.left == ["z.yaml: a template; adopt what is made of it"]
        assert found.unread == {}


def test_braces_in_values_make_no_template() -> None:
    found = read(MAP + b"data: {rule: 'value is {{ $value }}'}\n")
    assert len(found.documents) == 2


def test_files_of_tools_are_told_and_left() -> None:
    found = read(b"apiVersion: skaffold/v4beta1\nkind: Config\nmetadata: {name: shop}\n")
    assert len(found.documents) == 1
    assert found.left == ["z.yaml: for skaffold"]


def test_a_mark_of_byte_order_and_other_ends_of_lines_mean_nothing() -> None:
    text = b"\xef\xbb\xbf" + MAP.replace(b"a}", b"b}\ndata:\n  x: |\n    1\n    2").replace(
        b"\n", b"\r\n"
    )
    [_, second] = read(text).documents
    assert second.manifest["data"] == {"x": "1\n2\n"}


def test_a_key_that_is_there_twice_is_told() -> None:
    base = b"x: &x {a: b}\n"
    text = b"metadata: {name: b, labels: {<<: *x, a: c, d: e}}\ndata:\n  k: one\n  k: two\n"
    found = read(base + b"apiVersion: v1\nkind: ConfigMap\n" + text)
    assert found.left == ["z.yaml: line 7: `k` is there twice, and the last one holds"]


def test_what_does_not_look_like_an_object_is_told_and_need_not_be_accepted() -> None:
    found = read(b"Resources: {Bucket: !Ref Name}\n")
    assert found.unread == {}
    assert "nothing in it looks like an object" in found.left[0]


def test_labels_that_are_no_map_do_not_hide_the_others() -> None:
    found = read(MAP.replace(b"a}", b"b, labels: [x]}"))
    assert len(found.documents) == 1
    assert found.unread == {"z.yaml": "line 1: its labels or annotations are no map"}
