"""A mutating webhook over HTTPS that puts a sidecar into every Deployment of one namespace."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from delivery_stage import PAUSE_IMAGE, Stage

from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.tls import tls_context

NAME = "sidecar"


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    review = json.loads(await request.read())
    pods = review["request"]["object"]["spec"]["template"]["spec"]
    response = {"uid": review["request"]["uid"], "allowed": True}
    if NAME not in [one["name"] for one in pods["containers"]]:
        path = "/spec/template/spec/containers/-"
        patch = [{"op": "add", "path": path, "value": {"name": NAME, "image": PAUSE_IMAGE}}]
        response["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
        response["patchType"] = "JSONPatch"
    return web.json_response({**review, "request": None, "response": response})


@asynccontextmanager
async def injector(stage: Stage, folder: Path) -> AsyncIterator[None]:
    """The webhook, as long as it is needed."""
    identity = server_identity(folder / "webhook")
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls_context(identity)).start()
    port = runner.addresses[0][1]
    bundle = base64.b64encode(identity.authority.read_bytes()).decode()
    name, namespace = f"sidecars-{stage.scope.namespace}", stage.scope.namespace
    rule = {
        "operations": ["CREATE", "UPDATE"],
        "apiGroups": ["apps"],
        "apiVersions": ["v1"],
        "resources": ["deployments"],
    }
    webhook = {
        "name": "sidecars.example.org",
        "clientConfig": {"url": f"https://127.0.0.1:{port}/", "caBundle": bundle},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kind = "MutatingWebhookConfiguration"
    await stage.cluster.create({**stage.manifest(kind, name), "webhooks": [webhook]})
    try:
        yield
    finally:
        await stage.cluster.delete(stage.key(kind, name))
        await runner.cleanup()
