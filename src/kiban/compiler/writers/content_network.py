"""The content network (CloudFront) in front of routes that ask for it, as AWS Controllers for
Kubernetes make it. On a laptop the gateway answers by itself.
"""

from collections.abc import Iterator
from typing import Any

from kiban.compiler.target import Target
from kiban.compiler.writers.ingresses import origin_of
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec

# AWS's own policies: cache by the origin's headers, and send everything but the host's name.
_CACHE_POLICY = "83da9c7e-98b4-4e11-a168-04f0df8e2c65"
_ORIGIN_POLICY = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
_METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    if target.local:
        return
    hosts = {target.host(route.host) for route in service.routes.values() if route.cdn}
    for index, host in enumerate(sorted(hosts)):
        name = service.service if index == 0 else f"{service.service}-{index + 1}"
        yield target.manifest(
            "cloudfront.services.k8s.aws/v1alpha1",
            "Distribution",
            name,
            service=service.service,
            annotations={"external-dns.alpha.kubernetes.io/hostname": host},
            spec={"distributionConfig": _config(target, host)},
        )


def _config(target: Target, host: str) -> dict[str, Any]:
    certificate = target.cluster.cdn_certificate
    return {
        "enabled": True,
        "comment": f"{target.namespace} {host}",
        "httpVersion": "http2and3",
        "aliases": {"items": [host]},
        "origins": {
            "items": [
                {
                    "id": "cluster",
                    "domainName": origin_of(host),
                    "customOriginConfig": {
                        "httpPort": 80,
                        "httpsPort": 443,
                        "originProtocolPolicy": "https-only",
                        "originSSLProtocols": {"items": ["TLSv1.2"]},
                    },
                }
            ]
        },
        "defaultCacheBehavior": {
            "targetOriginID": "cluster",
            "viewerProtocolPolicy": "redirect-to-https",
            "cachePolicyID": _CACHE_POLICY,
            "originRequestPolicyID": _ORIGIN_POLICY,
            "compress": True,
            "allowedMethods": {"items": _METHODS, "cachedMethods": {"items": ["GET", "HEAD"]}},
        },
        "viewerCertificate": {
            "acmCertificateARN": certificate or "",
            "sslSupportMethod": "sni-only",
            "minimumProtocolVersion": "TLSv1.2_2021",
        },
    }
