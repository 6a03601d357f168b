"""How long it takes to compile a platform of many services, against the floor of any such tool:
dumping and loading the same manifests with PyYAML's C implementation.

    python bench/compile_services.py [--services 300] [--environments 3]

Writes a platform repo to a temporary directory, loads and compiles it, renders it, and prints one
JSON object. Times are the best of some runs, in seconds, measured as `kiban compile` does it: its
garbage is not collected on the way. On a machine with other work, `processor_seconds` count.
"""

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from kiban.audit import check
from kiban.compiler import compile_platform, render
from kiban.spec import load_platform, read_directory
from kiban.wiring.collecting import uncollected

SERVICE = """\
service: {name}
team: team{team}
image: registry.example/{name}
port: 8080
health: /healthz
resources: {{cpu: 500m, memory: 512Mi}}
scale: {{min: 2, max: 10, cpu: 70%}}
drain: 15s
availability: {{zones: 3}}
routes: {{public: {{path: /{name}}}}}
uses: {{{uses}}}
env: {{LOG_LEVEL: info, REGION: ap-northeast-1}}
secrets: {{API_KEY: {name}/api-key}}
slo: {{availability: 99.9%, latency: {{p99: 300ms}}}}
environments:
  env0: {{scale: {{min: 1, max: 2}}, spot: 100%}}
"""


def write_repo(root: Path, *, services: int, environments: int) -> None:
    """A platform repo with a service graph in tiers of ten."""
    names = [f"svc{index:04d}" for index in range(services)]
    (root / "services").mkdir()
    (root / "releases").mkdir()
    lines = ["platform: shop", "clusters: {main: {zones: [a, b, c]}}", "environments:"]
    for number in range(environments):
        lines.append(f"  env{number}: {{cluster: main, domain: env{number}.example.com}}")
        releases = "".join(f"{name}: c0ffee{number}\n" for name in names)
        (root / "releases" / f"env{number}.yaml").write_text(releases)
    lines += ["resources: {main: postgres, cache: redis}", "teams:"]
    lines += [f"  team{number}: {{defaults: {{drain: {number + 10}s}}}}" for number in range(10)]
    (root / "platform.yaml").write_text("\n".join(lines) + "\n")
    for index, name in enumerate(names):
        uses = ["main: resource", "cache: resource"]
        uses += [f"{other}: service" for other in names[max(0, index - 10) : index : 5]]
        text = SERVICE.format(name=name, team=index % 10, uses=", ".join(uses))
        (root / "services" / f"{name}.yaml").write_text(text)


def best(
    action: Callable[[], Any], runs: int, clock: Callable[[], float] = time.perf_counter
) -> tuple[float, Any]:
    """The shortest time of some runs, and the last result."""
    times = []
    result = None
    for _ in range(runs):
        result = None
        gc.collect()
        with uncollected():
            start = clock()
            result = action()
            times.append(clock() - start)
    return min(times), result


def measure(*, services: int, environments: int, runs: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_repo(root, services=services, environments=environments)
        reading, files = best(lambda: read_directory(root), runs)
    loading, platform = best(lambda: load_platform(files), runs)
    compiling, bundles = best(lambda: compile_platform(platform), runs)
    processor, _ = best(lambda: compile_platform(load_platform(files)), 1, time.process_time)
    rendering, texts = best(lambda: [render(bundle) for bundle in bundles], runs)
    manifests = [manifest for bundle in bundles for manifest in bundle.manifests]
    auditing, findings = best(lambda: [check(bundle.manifests) for bundle in bundles], runs)
    dumping, text = best(
        lambda: yaml.dump_all(manifests, Dumper=yaml.CSafeDumper, sort_keys=False), 1
    )
    parsing, _ = best(lambda: list(yaml.load_all(text, Loader=yaml.CSafeLoader)), 1)
    return {
        "services": services,
        "environments": environments,
        "manifests": len(manifests),
        "bytes": sum(len(text) for one in texts for text in one.values()),
        "findings": sum(len(one) for one in findings),
        "seconds": {
            "read": round(reading, 4),
            "load": round(loading, 4),
            "compile": round(compiling, 4),
            "spec_to_bundle": round(reading + loading + compiling, 4),
            "render": round(rendering, 4),
            "audit": round(auditing, 4),
            "pyyaml_c_dump": round(dumping, 4),
            "pyyaml_c_load": round(parsing, 4),
        },
        "processor_seconds": {"load_and_compile": round(processor, 4)},
        "ratio_to_pyyaml_c_dump_and_load": {
            "spec_to_bundle": round((reading + loading + compiling) / (dumping + parsing), 3),
            "spec_to_text": round(
                (reading + loading + compiling + rendering) / (dumping + parsing), 3
            ),
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=300)
    parser.add_argument("--environments", type=int, default=3)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--linear", action="store_true", help="also measure a tenth of it")
    chosen = parser.parse_args()
    figures = measure(services=chosen.services, environments=chosen.environments, runs=chosen.runs)
    if chosen.linear:
        tenth = measure(
            services=max(1, chosen.services // 10),
            environments=chosen.environments,
            runs=chosen.runs,
        )
        figures["seconds_for_a_tenth"] = tenth["seconds"]
        figures["processor_seconds_for_a_tenth"] = tenth["processor_seconds"]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
