"""A platform repo of many small services in Git, each of which compiles to four objects:
ServiceAccount, ConfigMap, Service and a Deployment of no instances, so that nobody waits for pods.
"""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

ENVIRONMENT = "prod"
_IDENTITY = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
_PLATFORM = """\
platform: bench
clusters:
{clusters}
environments:
{environments}
"""
_SERVICE = """\
image: registry.example/{name}
port: 8080
scale: {{min: 0}}
files: {{/etc/app/settings.json: {{content: "{{}}"}}}}
env: {{LOG_LEVEL: info, REGION: ap-northeast-1}}
"""


def write_repo(root: Path, services: int, environments: Iterable[str] = (ENVIRONMENT,)) -> None:
    """A new repo with one commit. Each environment has a cluster of its own name."""
    names = [service_name(number) for number in range(services)]
    found = list(environments)
    (root / "services").mkdir(parents=True)
    (root / "releases").mkdir()
    text = _PLATFORM.format(
        clusters="\n".join(f"  {name}: {{zones: [a, b, c]}}" for name in found),
        environments="\n".join(f"  {name}: {{cluster: {name}}}" for name in found),
    )
    (root / "platform.yaml").write_text(text)
    for name in names:
        (root / "services" / f"{name}.yaml").write_text(_SERVICE.format(name=name))
    for environment in found:
        write_releases(root, dict.fromkeys(names, "v1"), environment)
    _git(root, "init", "--quiet", "--initial-branch", "main")
    commit(root, "Begin")


def service_name(number: int) -> str:
    return f"app{number:04d}"


def write_releases(root: Path, tags: Mapping[str, str], environment: str = ENVIRONMENT) -> None:
    lines = "".join(f"{name}: {tag}\n" for name, tag in sorted(tags.items()))
    (root / "releases" / f"{environment}.yaml").write_text(lines)


def release(root: Path, services: int, changed: int, tag: str) -> str:
    """A commit that gives the first so many services another tag; its id."""
    tags = {
        service_name(number): tag if number < changed else "v1" for number in range(services)
    }  # fmt: skip
    write_releases(root, tags)
    return commit(root, f"Release {tag} of {changed} services")


def note(root: Path, text: str) -> str:
    """A commit that changes no service; its id."""
    (root / "README.md").write_text(text)
    return commit(root, "Explain")


def commit(root: Path, message: str) -> str:
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "-m", message)
    return _git(root, "rev-parse", "HEAD").strip()


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *_IDENTITY, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout
