"""How to reach a cluster and who one is there, from a kubeconfig file.

Certificates, tokens and token files are read here; exec plug-ins (EKS, GKE, AKS) are run each
time their credential is about to expire. Several files in `KUBECONFIG` are merged as kubectl does:
the first one that names a thing wins.
"""

import asyncio
import json
import os
import ssl
import tempfile
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kiban.primitives.instants import Instant, later, parse_rfc3339
from kiban.primitives.problems import Exit, KibanError, Place, Problem, nearest

# A credential is renewed this long before it expires.
RENEW_SECONDS = 60.0
EXEC_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Access:
    """A server and the means to enter. Secrets never appear in its text form."""

    server: str
    context: str = ""
    namespace: str = "default"
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    token: str = field(default="", repr=False)
    token_file: str = ""
    command: "ExecPlugin | None" = None


@dataclass(frozen=True, slots=True)
class ExecPlugin:
    """A program that prints an ExecCredential (client.authentication.k8s.io)."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    api_version: str
    hint: str = ""


class Credential:
    """The bearer token of an access, renewed when it must be."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._token = access.token
        self._expires: Instant | None = None
        self._lock = asyncio.Lock()

    async def token(self, now: Instant) -> str:
        if self._access.token_file:
            # Projected tokens are replaced in place about every hour; the file is small.
            return Path(self._access.token_file).read_text().strip()
        if self._access.command is None:
            return self._token
        async with self._lock:
            stale = self._expires is not None and later(now, RENEW_SECONDS) >= self._expires
            if not self._token or stale:
                self._token, self._expires = await _run_plugin(self._access.command)
        return self._token

    def forget(self) -> None:
        """The server did not accept it: ask the plug-in again."""
        if self._access.command is not None:
            self._token = ""


def load_access(context: str = "", path: str = "") -> Access:
    """The access of a context (or the current one), from a file, `KUBECONFIG` or the default.

    Raises `KibanError` when there is no such file or context.
    """
    config = _merged(_paths(path))
    name = context or config.get("current-context", "")
    entry = _named(config, "contexts", name, "context")
    cluster_name, user_name = entry.get("cluster", ""), entry.get("user", "")
    cluster = _named(config, "clusters", cluster_name, "cluster")
    user = _named(config, "users", user_name, "user") if user_name else {}
    return Access(
        server=str(cluster["server"]).rstrip("/"),
        context=name,
        namespace=entry.get("namespace") or "default",
        tls=_ssl_context(cluster, user),
        token=user.get("token", ""),
        token_file=user.get("tokenFile", ""),
        command=_plugin(user.get("exec")),
    )


def _paths(path: str) -> list[Path]:
    if path:
        return [Path(path)]
    listed = [Path(part) for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return listed or [Path.home() / ".kube" / "config"]


def _merged(paths: Sequence[Path]) -> dict[str, Any]:
    found = [path for path in paths if path.is_file()]
    if not found:
        names = ", ".join(str(path) for path in paths)
        raise _problem("no-kubeconfig", f"There is no kubeconfig at {names}.", str(paths[0]))
    merged: dict[str, Any] = {"clusters": {}, "contexts": {}, "users": {}, "files": names_of(found)}
    for path in found:
        try:
            config = yaml.safe_load(path.read_text()) or {}
        except yaml.YAMLError as error:
            text = f"The kubeconfig is not YAML: {error}"
            raise _problem("bad-kubeconfig", text, str(path)) from error
        merged.setdefault("current-context", config.get("current-context") or "")
        merged["current-context"] = merged["current-context"] or config.get("current-context", "")
        for section in ("clusters", "contexts", "users"):
            for entry in config.get(section) or []:
                held = _with_absolute_paths(entry.get(section[:-1]) or {}, path.parent)
                merged[section].setdefault(entry.get("name", ""), held)
    return merged


def names_of(paths: Sequence[Path]) -> str:
    return ", ".join(str(path) for path in paths)


def _with_absolute_paths(entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Paths in a kubeconfig are relative to the file they stand in."""
    names = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
    return {
        name: str(folder / value) if name in names and value else value
        for name, value in entry.items()
    }


def _named(config: Mapping[str, Any], section: str, name: str, noun: str) -> dict[str, Any]:
    found: dict[str, Any] | None = config[section].get(name)
    if found is not None:
        return found
    known = ", ".join(sorted(config[section])) or "none"
    meant = nearest(name, config[section])
    what = f"There is no {noun} {name!r}." if name else f"No {noun} is chosen."
    fix = f"Did you mean {meant!r}?" if meant else f"Known: {known}."
    raise _problem("no-such-context", what, config["files"], fix)


def _ssl_context(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext | None:
    if not str(cluster["server"]).startswith("https"):
        return None
    authority = cluster.get("certificate-authority-data")
    context = ssl.create_default_context(
        cafile=cluster.get("certificate-authority"),
        cadata=b64decode(authority).decode() if authority else None,
    )
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _load_client_certificate(context, user)
    return context


def _load_client_certificate(context: ssl.SSLContext, user: Mapping[str, Any]) -> None:
    certificate, key = user.get("client-certificate-data"), user.get("client-key-data")
    if certificate and key:
        # `ssl` reads files only; this one is for our eyes and gone at once.
        with tempfile.NamedTemporaryFile(prefix="kiban-") as file:
            file.write(b64decode(certificate) + b"\n" + b64decode(key))
            file.flush()
            context.load_cert_chain(file.name)
    elif user.get("client-certificate"):
        context.load_cert_chain(user["client-certificate"], user.get("client-key"))


def _plugin(config: Mapping[str, Any] | None) -> ExecPlugin | None:
    if not config:
        return None
    return ExecPlugin(
        command=config["command"],
        args=tuple(config.get("args") or ()),
        env={entry["name"]: entry["value"] for entry in config.get("env") or ()},
        api_version=config.get("apiVersion", "client.authentication.k8s.io/v1"),
        hint=config.get("installHint", ""),
    )


async def _run_plugin(plugin: ExecPlugin) -> tuple[str, Instant | None]:
    """A token and when it expires, from the program."""
    request = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": {}}
    env = {**os.environ, **plugin.env, "KUBERNETES_EXEC_INFO": json.dumps(request)}
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.args,
            env=env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        what = f"The program {plugin.command!r} that gives the credential is not installed."
        raise _problem("no-credential", what, fix=plugin.hint) from error
    try:
        output, errors = await asyncio.wait_for(process.communicate(), EXEC_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        what = f"{plugin.command!r} gave no credential within {EXEC_SECONDS:g} s."
        raise _problem("no-credential", what) from None
    if process.returncode:
        text = errors.decode(errors="replace").strip()
        what = f"{plugin.command!r} gave no credential (exit code {process.returncode}): {text}"
        raise _problem("no-credential", what)
    try:
        status = json.loads(output).get("status") or {}
    except (ValueError, AttributeError) as error:
        what = f"{plugin.command!r} printed no ExecCredential."
        raise _problem("no-credential", what) from error
    expires = status.get("expirationTimestamp")
    return status.get("token", ""), parse_rfc3339(expires) if expires else None


def _problem(code: str, what: str, file: str = "", fix: str = "") -> KibanError:
    problem = Problem(f"kubernetes/{code}", what, Place(file=file), fix=fix)
    return KibanError(problem, Exit.WORLD_FAILED)
