"""The one line that CI edits, and the choice of the release to return to.

`releases/<env>.yaml` maps each service to its image tag. An edit changes that one value and keeps
every comment; a rollback is the same edit with the last tag that is known to have run in full.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from kiban.plans.records import Entry, Event
from kiban.primitives.canonical import yaml_text
from kiban.primitives.problems import KibanError, Place, Problem, nearest

# distribution/reference: a tag, the digest of an image, or a tag with what it meant.
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|sha256:[0-9a-f]{64}")
_LINE = re.compile(r"^(?P<name>[\"']?[^\s\"'#:]+[\"']?)(?P<colon>\s*:\s*)(?P<rest>.*)$")
_REST = re.compile(r"^(?P<value>\"[^\"]*\"|'[^']*'|[^\s#]*)(?P<comment>\s*(?:#.*)?)$")


def release_path(environment: str) -> str:
    return f"releases/{environment}.yaml"


def released(text: str) -> dict[str, str]:
    """The tag of each service, from the text of a release file."""
    found = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        rest = _REST.match(match["rest"]) if match else None
        if match and rest:
            found[match["name"].strip("\"'")] = rest["value"].strip("\"'")
    return found


def with_release(text: str, service: str, tag: str, *, path: str = "") -> str:
    """The text with another tag for a service, its line added at the end if there is none.

    Raises `KibanError` for what is no tag, and for a file that is not one line a service.
    """
    if not _TAG.fullmatch(tag):
        what = f"{tag!r} is not an image tag."
        fix = "Use letters, digits, `_`, `.` and `-`, at most 128, or a digest sha256:…"
        raise KibanError(Problem("release/bad-tag", what, Place(thing=service), fix=fix))
    value = yaml_text(tag).rstrip("\n")
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        match = _LINE.match(line.rstrip("\r\n"))
        if match is None or match["name"].strip("\"'") != service:
            continue
        rest = _REST.match(match["rest"])
        if rest is None:
            what = f"The release of {service} is not one tag on one line."
            raise KibanError(Problem("release/bad-line", what, Place(path, number + 1, 1)))
        colon = match["colon"] if match["colon"].strip(":") else ": "
        ending = line[len(line.rstrip("\r\n")) :]
        lines[number] = match["name"] + colon + value + rest["comment"] + ending
        return "".join(lines)
    if text.lstrip().startswith("{"):
        what = "The file is not one line a service, so it cannot be edited."
        raise KibanError(Problem("release/bad-file", what, Place(path)))
    gap = "\n" if text and not text.endswith("\n") else ""
    return f"{text}{gap}{yaml_text({service: tag})}"


def known_service(service: str, known: Iterable[str]) -> str:
    """The service, if there is one of that name. Raises `KibanError` with the nearest."""
    names = sorted(known)
    if service in names:
        return service
    meant = nearest(service, names)
    fix = f"Did you mean {meant}?" if meant else f"Services: {', '.join(names)}."
    raise KibanError(Problem("release/no-service", f"There is no service {service!r}.", fix=fix))


def last_good(service: str, current: str, entries: Iterable[Entry]) -> str:
    """The tag that a service ran in full before the current one, from the journal's entries in
    order. Raises `KibanError` when none is known."""
    tags = [tag for entry in entries if (tag := _delivered_tag(entry, service))]
    for tag in reversed(tags):
        if tag != current:
            return tag
    what = f"No earlier release of {service} is known to have run well here."
    fix = f"Name one: kiban rollback {service} --to TAG"
    raise KibanError(Problem("release/no-last-good", what, Place(thing=service), fix=fix))


def left_behind(texts: Sequence[str]) -> dict[str, frozenset[str]]:
    """The tags that each service ran by a release file and does not run any more; `texts` are the
    file's versions, the oldest first."""
    runs = _runs(texts)
    return {name: frozenset(tags[:-1]) - {tags[-1]} for name, tags in runs.items()}


def taken_back(texts: Sequence[str]) -> dict[str, frozenset[str]]:
    """The tags that gave way to one that had run before them: what was rolled back, or reverted,
    by whatever means. One that came again since then is none."""
    found = {}
    for name, tags in _runs(texts).items():
        back: dict[str, None] = {}
        for tag, successor in zip(tags, [*tags[1:], tags[-1]], strict=True):
            back.pop(tag, None)
            if tags.index(successor) < tags.index(tag):
                back[tag] = None
        found[name] = frozenset(back)
    return found


def _runs(texts: Sequence[str]) -> dict[str, list[str]]:
    """The tags of each service in their order, one entry a change."""
    found: dict[str, list[str]] = {}
    for text in texts:
        for name, tag in released(text).items():
            if tag and found.get(name, [])[-1:] != [tag]:
                found.setdefault(name, []).append(tag)
    return found


def tag_of(image: str) -> str:
    """`registry.example:5000/stamp:v1` gives `v1`; an image by digest gives the digest, or both
    as `v1@sha256:…`."""
    name, by_digest, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return f"{tag}{by_digest}{digest}" if tag else digest


def same_image(one: str, other: str) -> bool:
    """Whether two releases of a service mean one image: by digest where both say one, else by
    tag."""
    tag, _, digest = _parts(one)
    other_tag, _, other_digest = _parts(other)
    return digest == other_digest if digest and other_digest else tag == other_tag != ""


def _parts(release: str) -> tuple[str, str, str]:
    """Tag and digest of a release, either of which may be empty."""
    return ("", "@", release) if release.startswith("sha256:") else release.partition("@")


def _delivered_tag(entry: Entry, service: str) -> str:
    record = entry.record
    if not isinstance(record, Event) or record.code != "delivery/delivered":
        return ""
    images: Mapping[str, str] = record.data.get("images") or {}
    return tag_of(images.get(service, ""))
