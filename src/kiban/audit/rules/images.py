"""Images: whether what runs tomorrow is what was tested today, and comes from where it should."""

import re
from collections.abc import Iterator

from kiban.audit.findings import Mend, Said, Severity, Verdict, rule
from kiban.audit.view import View
from kiban.kube.objects import get_in
from kiban.primitives.instants import parse_rfc3339

# Stand-ins of the embedded cluster, which come with Kiban itself.
_BUILT_IN = "kiban.local/"
CREATED = "org.opencontainers.image.created"
_DAY = 86_400 * 1_000_000
_RETIRED = re.compile(r"(?:^|/)ingress-nginx/controller\b|nginx-ingress-controller")
_ARCHITECTURE = re.compile(r"(?:[:/_-])(amd64|x86_64|arm64|aarch64)(?:$|[:@/_-])")
_SAME = {"x86_64": "amd64", "aarch64": "arm64"}
_APP = "kind: Deployment\nmetadata: {name: api}\nspec: {template: {spec: {containers: [{name: app, "


def tag_of(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def registry_of(image: str) -> str:
    """The first part of a name when it looks like a host; else it is Docker Hub."""
    first, slash, _ = image.partition("/")
    return (
        first if slash and ("." in first or ":" in first or first == "localhost") else "docker.io"
    )


@rule(
    Severity.ERROR,
    why="two pods of one Deployment may run different programs, and nobody can go back",
    fix="write a tag that is never moved, or a digest (in releases/ENV.yaml of a platform)",
    example=f"{_APP}image: 'registry.example/api:latest'}}]}}}}}}",
)
def tag_latest(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        image = container.image
        if "@" in image or image.startswith(_BUILT_IN):
            continue
        tag = tag_of(image)
        if tag in ("", "latest"):
            what = f"the image of {container.name} has {'the tag latest' if tag else 'no tag'}"
            yield Said(workload.key, f"{container.path}.image", what)


@rule(
    Severity.ADVICE,
    why="whoever can push to the registry can put another program behind the tag",
    fix="release by digest: `kiban release api=sha256:...`",
    example=f"{_APP}image: 'registry.example/api:v1'}}]}}}}}}",
    optional=True,
)
def digest_pinned(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        if "@sha256:" not in container.image and not container.image.startswith(_BUILT_IN):
            what = f"the image of {container.name} names no digest"
            yield Said(workload.key, f"{container.path}.image", what)


@rule(
    Severity.ERROR,
    why="nobody looks at what such images hold, and they may be gone tomorrow",
    fix="copy the image to a registry of your own",
    example=f"# checked with registries: [registry.example] in checks.yaml\n{_APP}"
    "image: 'somebody/api:v1'}]}}}",
)
def registry_allowlist(view: View) -> Iterator[Said]:
    allowed = view.around.settings.registries
    for workload, container in view.each() if allowed else ():
        image = container.image
        full = image if registry_of(image) in image else f"docker.io/{image}"
        if image.startswith(_BUILT_IN) or any(full.startswith(one) for one in allowed):
            continue
        what = f"the image of {container.name} comes from {registry_of(image)}"
        yield Said(workload.key, f"{container.path}.image", what)


@rule(
    Severity.WARNING,
    why="with Always a registry that is away stops every restart; with IfNotPresent a moved tag "
    "runs in two versions: teams decide, and then all should do the same",
    fix="follow `pullPolicy` of checks.yaml",
    example=f"# checked with pullPolicy: IfNotPresent in checks.yaml\n{_APP}"
    "imagePullPolicy: Always}]}}}",
)
def pull_policy(view: View) -> Iterator[Said]:
    wanted = view.around.settings.pull_policy
    for workload, container in view.each() if wanted else ():
        moving = "@" not in container.image and tag_of(container.image) in ("", "latest")
        default = "Always" if moving else "IfNotPresent"
        policy = container.body.get("imagePullPolicy", default)
        # A digest cannot move: asking again brings nothing.
        if policy != wanted and not (wanted == "Always" and "@" in container.image):
            what = f"{container.name} pulls {policy}"
            yield Said(workload.key, f"{container.path}.imagePullPolicy", what)


@rule(
    Severity.ERROR,
    why="the program does not start on such a node: exec format error",
    fix="build for both architectures, or select nodes with kubernetes.io/arch",
    example=f"# checked with architectures: [amd64] in checks.yaml\n{_APP}"
    "image: 'registry.example/api:v1-arm64'}]}}}",
)
def image_arch_matches_nodes(view: View) -> Iterator[Said]:
    nodes = view.around.settings.architectures
    for workload, container in view.each():
        selected = get_in(workload.pod, "nodeSelector", "kubernetes.io/arch")
        known = [str(selected)] if selected else nodes
        found = _ARCHITECTURE.search(container.image)
        if not found or not known:
            continue
        built = _SAME.get(found.group(1), found.group(1))
        if any(node != built for node in known):
            what = f"the image of {container.name} is for {built}, nodes are {', '.join(known)}"
            yield Said(workload.key, f"{container.path}.image", what)


@rule(
    Severity.WARNING,
    why="a tag that can be written again is no record of what ran",
    fix="set imageTagMutability: IMMUTABLE",
    example="apiVersion: ecr.services.k8s.aws/v1alpha1\nkind: Repository\n"
    "metadata: {name: api, namespace: shop}\nspec: {name: api, imageTagMutability: MUTABLE}",
    mend=Mend("IMMUTABLE", risky=True),
)
def ecr_immutable_tags(view: View) -> Iterator[Said]:
    for key, repository in view.kind("Repository"):
        mutability = get_in(repository, "spec", "imageTagMutability")
        if key.group.startswith("ecr.") and mutability != "IMMUTABLE":
            yield Said(key, "spec.imageTagMutability", "its tags can be written again")


@rule(
    Severity.WARNING,
    why="what was fixed in its base image since is missing",
    fix="build and release it again",
    example=f"kind: Deployment\nmetadata: {{name: api}}\nspec: {{template: {{metadata: "
    f"{{annotations: {{{CREATED}: '2020-01-01T00:00:00Z'}}}}}}}}",
)
def stale_image(view: View) -> Iterator[Said]:
    days, now = view.around.settings.image_days, view.around.now
    for workload in view.workloads:
        created = workload.annotations.get(CREATED)
        if not created or now is None:
            continue
        path = f'metadata.annotations["{CREATED}"]'
        try:
            age = (now - parse_rfc3339(created)) // _DAY
        except ValueError:
            what = f"{created!r} is no time"
            yield Said(workload.key, path, what, Verdict.UNKNOWN)
            continue
        if age > days:
            yield Said(workload.key, path, f"its image is {age} days old")


@rule(
    Severity.ERROR,
    why="it was retired in March 2026: its next hole stays open",
    fix="move to the Gateway API or the AWS Load Balancer Controller",
    example=f"{_APP}image: 'registry.k8s.io/ingress-nginx/controller:v1.11.2'}}]}}}}}}",
)
def ingress_nginx_retired(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        if _RETIRED.search(container.image):
            what = f"{container.name} is ingress-nginx"
            yield Said(workload.key, f"{container.path}.image", what)


RULES = (
    tag_latest,
    digest_pinned,
    registry_allowlist,
    pull_policy,
    image_arch_matches_nodes,
    ecr_immutable_tags,
    stale_image,
    ingress_nginx_retired,
)
