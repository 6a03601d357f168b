"""Images: whether what runs tomorrow is what was tested today."""

from collections.abc import Iterator

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import View

# Stand-ins of the embedded cluster, which come with Kiban itself.
_BUILT_IN = "kiban.local/"


def _floating(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        for container in workload.containers:
            image = str(container.body.get("image", ""))
            tag = image.rpartition("/")[2].partition(":")[2]
            if "@" in image or image.startswith(_BUILT_IN):
                continue
            if tag in ("", "latest"):
                what = f"the image of {container.name} has {'the tag latest' if tag else 'no tag'}"
                yield Said(workload.key, f"{container.path}.image", what)


RULES = (
    Rule(
        "tag-latest",
        Severity.ERROR,
        "two pods of one Deployment may run different programs, and nobody can go back",
        "write a tag that is never moved, in releases/<env>.yaml",
        _floating,
    ),
)
