"""What a service wants that its neighbours or its clusters do not offer."""

from collections.abc import Iterator

from kiban.primitives.problems import Problem
from kiban.spec.placeholder_checks import check_placeholders
from kiban.spec.platform import Platform
from kiban.spec.references import Finder, unless_known
from kiban.spec.resource_checks import check_uses
from kiban.spec.service import ServiceSpec

METRIC_SOURCES = ("prometheus", "datadog", "cloudwatch")


def check_place(
    platform: Platform, environment: str, service: ServiceSpec, find: Finder
) -> Iterator[Problem]:
    """Of one service in one environment."""
    yield from _weights(platform, environment, service, find)
    yield from check_uses(platform, service, find)
    for name, metric in service.scale.metrics.items():
        if metric.source is not None:
            place = find("scale", "metrics", name, "source").place()
            sources = [*platform.spec.metrics, *METRIC_SOURCES]
            yield from unless_known("source", metric.source, sources, place)
    yield from check_placeholders(platform, environment, service, find)
    yield from _clusters(platform, environment, service, find)


def _weights(
    platform: Platform, environment: str, service: ServiceSpec, find: Finder
) -> Iterator[Problem]:
    known = platform.services[environment]
    for name, route in service.routes.items():
        for other in route.weights:
            place = find("routes", name, "weights", other).key_place()
            yield from unless_known("service", other, known, place)
            if other in known and known[other].port is None:
                what = f"{other!r} has no port that could be given requests"
                yield Problem("spec/route", what, place)


def _clusters(
    platform: Platform, environment: str, service: ServiceSpec, find: Finder
) -> Iterator[Problem]:
    clusters = platform.spec.clusters
    for name in platform.clusters_of(environment):
        cluster = clusters.get(name)
        if cluster is None:
            continue
        known = platform.spec.metrics
        sources = [
            one for one in service.scale.metrics.values() if one.source and one.source not in known
        ]
        answered = {str(kind) for kind, there in cluster.adapters.items() if there}
        missed = [one for one in sources if one.source not in answered]
        if (service.scale.schedules or missed) and not cluster.keda:
            what = f"the cluster {name!r} has no KEDA, which scales by schedules and sources"
            fix = f"install it, and say `keda: true` of the cluster {name}, or name its `adapters`"
            yield Problem("spec/no-keda", what, find("scale").key_place(), fix=fix)
        if any(route.cdn for route in service.routes.values()) and not cluster.cdn_certificate:
            what = f"the cluster {name!r} has no certificate for a content network"
            fix = f"say `cdnCertificate` of the cluster {name}, an ARN in us-east-1"
            yield Problem("spec/no-cdn", what, find("routes").key_place(), fix=fix)
