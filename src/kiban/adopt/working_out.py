"""Works out the services of one environment: propose, compile the proposals, and find the patches
that are left to say."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kiban.adopt.copies import Copy, template_of
from kiban.adopt.extras import SOURCE, Extras, read_back
from kiban.adopt.folding import Folded
from kiban.adopt.groups import Group
from kiban.adopt.placeholders import Words
from kiban.adopt.proposals import Fields, proposed
from kiban.adopt.repository import Layout, repository_files
from kiban.adopt.services import Compiled, Worked, worked_out
from kiban.compiler import Bundle, compile_environment
from kiban.compiler.bundle import SERVICE_LABEL
from kiban.compiler.rendered import Rendered
from kiban.kube.objects import Manifest, labels_of
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform


def work_out(
    platform: str, copy: Copy, groups: Mapping[str, Group]
) -> tuple[dict[str, tuple[Worked, str]], str]:
    """The services of one environment, without those that cannot be said; and its domain."""
    proposals = {name: proposed(group) for name, group in groups.items()}
    domain = _domain(fields for fields, _ in proposals.values())
    while proposals:
        try:
            bundle = _trial(platform, copy, proposals, domain)
            break
        except KibanError as error:
            bad = blamed(error, proposals)
            proposals = {name: one for name, one in proposals.items() if name not in bad}
    else:
        return {}, ""
    compiled, surplus = _by_kind(bundle)
    found = {}
    for name, (fields, tag) in proposals.items():
        if groups[name].kind not in compiled.get(name, {}):
            continue
        main = template_of(compiled[name][groups[name].kind])["spec"]["containers"][0]
        words = Words(
            name,
            copy.environment,
            bundle.namespace,
            platform,
            domain,
            str(main["image"]),
            is_alone=copy.is_alone,
        )
        made = Compiled(compiled[name], surplus.get(name, ()))
        worked = worked_out(groups[name], fields, made, words)
        if worked is not None:
            found[name] = (worked, tag)
    return found, domain


def _trial(
    platform: str, copy: Copy, proposals: Mapping[str, tuple[Fields, str]], domain: str
) -> Bundle:
    """What the proposals of one environment compile to, without a patch."""
    trial = Layout(
        platform,
        (copy,),
        Folded(services={name: dict(fields) for name, (fields, _) in proposals.items()}),
        {copy.environment: {name: tag for name, (_, tag) in proposals.items() if tag}},
        dict.fromkeys(proposals, (copy.environment,)),
        Extras(),
        {copy.environment: domain},
    )
    return compiled(repository_files(trial), [copy])[copy.environment]


def compiled(files: Mapping[str, str], copies: Sequence[Copy]) -> dict[str, Bundle]:
    """What the files compile to, in every environment: from their text, as it will be read."""
    platform = load_platform(files)
    found = {}
    for copy in copies:
        rendered = Rendered({SOURCE: read_back(files, copy.environment)})
        found[copy.environment] = compile_environment(platform, copy.environment, rendered=rendered)
    return found


def _domain(proposals: Iterable[Fields]) -> str:
    """The host that most routes of an environment have; it is taken out of them, so that they
    need not name it."""
    routes = [route for fields in proposals for route in (fields.get("routes") or {}).values()]
    counts: dict[str, int] = {}
    for route in routes:
        if host := route.get("host"):
            counts[host] = counts.get(host, 0) + 1
    domain = max(sorted(counts), key=lambda host: counts[host], default="")
    if counts.get(domain, 0) < 2:
        return ""
    for route in routes:
        if route.get("host") == domain:
            del route["host"]
    return domain


def _by_kind(
    bundle: Bundle,
) -> tuple[dict[str, dict[str, Manifest]], dict[str, tuple[str, ...]]]:
    """The objects of each service by kind, and the identities of those beyond one of a kind: a
    convention would be about both, so of two Services the one that only gives names to pods is to
    go. Services with other doubles are left out."""
    found: dict[str, dict[str, Manifest]] = {}
    surplus: dict[str, tuple[str, ...]] = {}
    double: dict[str, None] = {}
    for manifest in bundle.manifests:
        service, kind = labels_of(manifest).get(SERVICE_LABEL, ""), manifest["kind"]
        own = found.setdefault(service, {})
        if kind not in own:
            own[kind] = manifest
        elif kind == "Service":
            names = f"{service}-pods"
            mine = {one["metadata"]["name"]: one for one in (own[kind], manifest)}
            if names not in mine or service not in mine:
                double[service] = None
            own[kind] = mine.get(service, manifest)
            surplus[service] = (f"Service/{names}",)
        else:
            double[service] = None
    return {service: kinds for service, kinds in found.items() if service not in double}, surplus


def blamed(error: KibanError, proposals: Mapping[str, Any]) -> list[str]:
    """The services whose files the problems are in; all, when nobody can tell."""
    files = {problem.place.file for problem in error.problems}
    found = [name for name in proposals if f"services/{name}.yaml" in files]
    things = {problem.place.thing for problem in error.problems}
    found += [name for name in proposals if f"service {name}" in things]
    releases = [name for name in proposals if any(name in one.what for one in error.problems)]
    return found or releases or list(proposals)
