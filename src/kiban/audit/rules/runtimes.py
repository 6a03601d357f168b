"""Language runtimes: whether a program knows how much of its node belongs to it."""

import re
from collections.abc import Iterator

from kiban.audit.findings import Said, Severity, rule
from kiban.audit.view import Container, View
from kiban.primitives.quantities import parse_quantity

_JAVA_OPTIONS = ("JAVA_TOOL_OPTIONS", "JAVA_OPTS", "JDK_JAVA_OPTIONS", "CATALINA_OPTS", "JVM_OPTS")
_HEAP = re.compile(r"-Xmx(\d+)([kKmMgG]?)")
_SHARE = re.compile(r"-XX:MaxRAMPercentage=(\d+(?:\.\d+)?)")
_JAVA_IMAGE = re.compile(r"(?i)openjdk|temurin|corretto|/java|\bjre|\bjdk|tomcat|spring")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
# Threads, code, buffers and the collector need a quarter beside the heap.
_MOST_HEAP = 0.8
# What the JVM takes when nobody says how much.
_DEFAULT_SHARE = 25.0
_APP = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n" \
       "      containers:\n      - name: app\n"  # fmt: skip


def _java_words(container: Container) -> str:
    variables = dict(container.variables())
    said = [variables.get(name, "") for name in _JAVA_OPTIONS]
    return " ".join([*said, *container.command])


@rule(
    Severity.ERROR,
    why="the kernel kills the program before its collector sees a reason to work",
    fix="set -XX:MaxRAMPercentage=70 instead of -Xmx, or raise the memory limit",
    example=f"{_APP}        env: [{{name: JAVA_TOOL_OPTIONS, value: -Xmx4g}}]",
)
def java_heap_vs_limit(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        words, limit = _java_words(container), container.number("limits", "memory")
        heap, share = _HEAP.search(words), _SHARE.search(words)
        if limit is None:
            continue
        if heap is not None:
            size = int(heap.group(1)) * _UNITS[heap.group(2).lower()]
            if size > _MOST_HEAP * limit:
                of_limit = size / limit
                what = f"the heap of {container.name} may take {of_limit:.0%} of its memory limit"
                yield Said(workload.key, f"{container.path}.resources.limits.memory", what)
        elif share is not None and float(share.group(1)) > _MOST_HEAP * 100:
            what = f"the heap of {container.name} may take {share.group(1)}% of its memory limit"
            yield Said(workload.key, f"{container.path}.env", what)


@rule(
    Severity.ADVICE,
    why="the JVM takes a quarter of the limit for its heap, and the rest is paid for and not used",
    fix="set -XX:MaxRAMPercentage=70 in JAVA_TOOL_OPTIONS",
    example=f"{_APP}        image: 'eclipse-temurin:21.0.5'",
)
def java_heap_unset(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        words = _java_words(container)
        java = _JAVA_IMAGE.search(container.image) or container.command[:1] == ["java"]
        if java and not _HEAP.search(words) and not _SHARE.search(words):
            what = f"the heap of {container.name} is {_DEFAULT_SHARE:.0f}% of its memory limit"
            yield Said(workload.key, f"{container.path}.env", what)


@rule(
    Severity.WARNING,
    why="the garbage collector lets the heap grow beyond the limit, and the kernel kills it",
    fix="make GOMEMLIMIT about nine tenths of the memory limit",
    example=f"{_APP}        env: [{{name: GOMEMLIMIT, value: 64GiB}}]",
)
def gomemlimit(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        value = dict(container.variables()).get("GOMEMLIMIT", "")
        limit = container.number("limits", "memory")
        size = _go_bytes(value)
        if size is not None and limit is not None and size > limit:
            what = f"GOMEMLIMIT of {container.name} is above its memory limit"
            yield Said(workload.key, f"{container.path}.env[GOMEMLIMIT]", what)


def _go_bytes(text: str) -> float | None:
    try:
        return float(parse_quantity(text.removesuffix("B"))) if text else None
    except ValueError:
        return None


@rule(
    Severity.WARNING,
    why="more threads than CPUs run at once and are throttled together",
    fix="make GOMAXPROCS the CPU limit, or leave it out: Go 1.25 does it by itself",
    example=f"{_APP}        env: [{{name: GOMAXPROCS, value: '16'}}]\n"
    "        resources: {limits: {cpu: 2}}",
)
def gomaxprocs(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        value = dict(container.variables()).get("GOMAXPROCS", "")
        limit = container.number("limits", "cpu")
        if value.isdigit() and limit is not None and int(value) > max(1.0, limit):
            what = f"{container.name} runs {value} threads on {limit:g} CPU"
            yield Said(workload.key, f"{container.path}.env[GOMAXPROCS]", what)


RULES = (java_heap_vs_limit, java_heap_unset, gomemlimit, gomaxprocs)
