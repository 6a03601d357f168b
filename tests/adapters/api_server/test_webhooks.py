"""Admission webhooks, asked over real HTTPS by a real server."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from kiban.adapters.api_server.certificates import ServerIdentity, server_identity
from kiban.adapters.api_server.credentials import Authenticator, kept_token
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.server import ApiServer
from kiban.adapters.api_server.tls import tls_context
from kiban.adapters.webhooks import WebhookCaller
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.replica_set import ReplicaSetController
from kiban.kube.objects import POD

Value = dict[str, Any]
CONFIGS = "/api/v1/namespaces/default/configmaps"
HOOKS = "/apis/admissionregistration.k8s.io/v1"
# A loopback address that endpoints may have.
ELSEWHERE = "127.77.0.1"


@dataclass
class Hooks:
    """A webhook server: what it answers at each path, and what it was asked."""

    identity: ServerIdentity
    answers: dict[str, Value] = field(default_factory=dict)
    asked: list[tuple[str, Value]] = field(default_factory=list)
    port: int = 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        review = json.loads(await request.read())
        self.asked.append((request.path, review["request"]))
        answer = dict(self.answers[request.path])
        if "sleep" in answer:
            await asyncio.sleep(answer.pop("sleep"))
        if "raw" in answer:
            return web.Response(status=answer["status"], text=answer["raw"])
        patch = answer.pop("patch", None)
        if patch is not None:
            answer["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
            answer["patchType"] = "JSONPatch"
        response = {"uid": review["request"]["uid"], "allowed": True, **answer}
        return web.json_response({**review, "request": None, "response": response})

    def hook(self, path: str, **fields: Any) -> Value:
        client = {
            "url": f"https://127.0.0.1:{self.port}{path}",
            "caBundle": base64.b64encode(self.identity.authority.read_bytes()).decode(),
        }
        rule = {
            "operations": ["CREATE", "UPDATE"],
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "resources": ["configmaps"],
        }
        return {
            "name": f"{path[1:]}.example.com",
            "clientConfig": client,
            "rules": [rule],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            **fields,
        }


@dataclass
class Setting:
    """A served cluster with a webhook server beside it."""

    session: aiohttp.ClientSession
    hooks: Hooks
    cluster: Cluster

    async def configure(self, kind: str, *hooks: Value) -> None:
        manifest = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": f"{kind}WebhookConfiguration",
            "metadata": {"name": "hooks"},
            "webhooks": list(hooks),
        }
        path = f"{HOOKS}/{kind.lower()}webhookconfigurations"
        status, said = await self.post(path, manifest)
        assert status == 201, said

    async def post(self, path: str, manifest: Value) -> tuple[int, Value]:
        async with self.session.post(path, json=manifest) as answer:
            return answer.status, await answer.json()


@asynccontextmanager
async def setting(state: Path) -> AsyncIterator[Setting]:
    identity, token = server_identity(state), kept_token(state / "token")
    hooks = Hooks(identity)
    runner = web.ServerRunner(web.Server(hooks.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls_context(identity)).start()
    hooks.port = runner.addresses[0][1]
    await web.TCPSite(runner, ELSEWHERE, hooks.port, ssl_context=tls_context(identity)).start()
    cluster = assembled(1, [ReplicaSetController()])
    driver = WallDriver(cluster, consultant=WebhookCaller())
    await driver.start()
    server = ApiServer(driver, Authenticator(token))
    address = await server.start(identity=identity)
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(identity.authority)))
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(address, connector=connector, headers=headers) as session:
        account = {"metadata": {"name": "default"}}
        await session.post("/api/v1/namespaces/default/serviceaccounts", json=account)
        yield Setting(session, hooks, cluster)
    await server.stop()
    await driver.stop()
    await runner.cleanup()


def told(tmp_path: Path, story: Callable[[Setting], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with setting(tmp_path) as there:
            await story(there)

    asyncio.run(whole())


def config(**metadata: Any) -> Value:
    return {"metadata": {"name": "a", **metadata}, "data": {"k": "v"}}


LABEL = [{"op": "add", "path": "/metadata/labels", "value": {"seen": "yes"}}]


def test_a_mutating_webhook_completes_an_object(tmp_path: Path) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers["/label"] = {"patch": LABEL, "warnings": ["labelled"]}
        await there.configure("Mutating", there.hooks.hook("/label"))
        async with there.session.post(CONFIGS, json=config()) as answer:
            created = await answer.json()
            assert answer.status == 201
            assert answer.headers["Warning"] == '299 - "labelled"'
        assert created["metadata"]["labels"] == {"seen": "yes"}
        _, request = there.hooks.asked[0]
        assert request["operation"] == "CREATE"
        assert request["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
        assert "uid" not in request["object"]["metadata"]

    told(tmp_path, story)


def test_a_generated_name_is_drawn_once_and_shown_to_validating_webhooks(tmp_path: Path) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers |= {"/label": {"patch": LABEL}, "/look": {}}
        await there.configure("Mutating", there.hooks.hook("/label"))
        await there.configure("Validating", there.hooks.hook("/look"))
        manifest = {"metadata": {"generateName": "a-"}}
        _, created = await there.post(CONFIGS, manifest)
        (_, first), (_, second) = there.hooks.asked
        assert "name" not in first["object"]["metadata"]
        assert second["object"]["metadata"]["name"] == created["metadata"]["name"]
        assert second["object"]["metadata"]["uid"] == created["metadata"]["uid"]

    told(tmp_path, story)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (None, 400, 'admission webhook "no.example.com" denied the request without explanation'),
        (
            {"message": "not today", "code": 418, "reason": "Tea"},
            418,
            'admission webhook "no.example.com" denied the request: not today',
        ),
        ({"reason": "Why"}, 400, 'admission webhook "no.example.com" denied the request: Why'),
    ],
)
def test_a_validating_webhook_refuses(
    tmp_path: Path, status: Value | None, code: int, message: str
) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers["/no"] = {"allowed": False, "status": status}
        await there.configure("Validating", there.hooks.hook("/no"))
        answered, said = await there.post(CONFIGS, config())
        assert (answered, said["message"]) == (code, message)
        async with there.session.get(f"{CONFIGS}/a") as answer:
            assert answer.status == 404

    told(tmp_path, story)


@pytest.mark.parametrize(
    ("answer", "fields", "text"),
    [
        (
            {"raw": "broken", "status": 500},
            {},
            'failed to call webhook: an error on the server ("broken") has prevented the request '
            "from succeeding",
        ),
        (
            {"uid": "other"},
            {},
            "received invalid webhook response: expected response.uid=",
        ),
        ({"sleep": 5}, {"timeoutSeconds": 1}, "context deadline exceeded"),
    ],
)
def test_a_webhook_that_fails_refuses_unless_it_may_be_ignored(
    tmp_path: Path, answer: Value, fields: Value, text: str
) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers["/bad"] = answer
        hook = there.hooks.hook("/bad", **fields)
        await there.configure("Validating", hook)
        code, said = await there.post(CONFIGS, config())
        prefix = 'Internal error occurred: failed calling webhook "bad.example.com": '
        assert (code, said["reason"]) == (500, "InternalError")
        assert said["message"].startswith(prefix)
        assert text in said["message"]
        path = f"{HOOKS}/validatingwebhookconfigurations/hooks"
        change = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]
        headers = {"Content-Type": "application/json-patch+json"}
        async with there.session.patch(path, json=change, headers=headers) as changed:
            assert changed.status == 200
        code, _ = await there.post(CONFIGS, config())
        assert code == 201

    told(tmp_path, story)


def test_a_webhook_that_nobody_serves_is_named_with_its_address(tmp_path: Path) -> None:
    async def story(there: Setting) -> None:
        hook = there.hooks.hook("/x", clientConfig={"url": "https://127.0.0.1:9/x"})
        await there.configure("Validating", hook)
        _, said = await there.post(CONFIGS, config())
        assert said["message"] == (
            'Internal error occurred: failed calling webhook "x.example.com": failed to call '
            'webhook: Post "https://127.0.0.1:9/x?timeout=10s": dial tcp 127.0.0.1:9: connect: '
            "connection refused"
        )
        service = {"name": "none", "namespace": "default"}
        hook = there.hooks.hook("/y", clientConfig={"service": service})
        path = f"{HOOKS}/validatingwebhookconfigurations/hooks"
        await there.session.delete(path)
        await there.configure("Validating", hook)
        _, said = await there.post(CONFIGS, config())
        assert said["message"].endswith(
            'Post "https://none.default.svc:443/?timeout=10s": service "none" not found'
        )

    told(tmp_path, story)


def test_a_webhook_behind_a_service_is_reached_at_its_pod(tmp_path: Path) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers["/label"] = {"patch": LABEL}
        services, slices = (
            "/api/v1/namespaces/default/services",
            "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        )
        port = {"name": "https", "port": 443}
        await there.session.delete(f"{services}/kubernetes")
        made = await there.post(
            services, {"metadata": {"name": "kubernetes"}, "spec": {"ports": [port]}}
        )
        assert made[0] == 201, made
        made = await there.post(
            slices,
            {
                "metadata": {
                    "name": "hooks",
                    "labels": {"kubernetes.io/service-name": "kubernetes"},
                },
                "addressType": "IPv4",
                "ports": [{"name": "https", "port": there.hooks.port}],
                "endpoints": [{"addresses": [ELSEWHERE]}],
            },
        )
        assert made[0] == 201, made
        hook = there.hooks.hook("/label")
        client = hook["clientConfig"]
        service = {"name": "kubernetes", "namespace": "default", "path": "/label"}
        hook["clientConfig"] = {"caBundle": client["caBundle"], "service": service}
        await there.configure("Mutating", hook)
        code, created = await there.post(CONFIGS, config())
        assert (code, created["metadata"].get("labels")) == (201, {"seen": "yes"}), created

    told(tmp_path, story)


def test_selectors_conditions_and_rules_say_whom_a_webhook_concerns(tmp_path: Path) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers |= {"/a": {}, "/b": {}, "/c": {}, "/d": {}}
        hook = there.hooks.hook
        condition = {"name": "c", "expression": "object.data.k == 'v'"}
        other = {"name": "c", "expression": "object.data.k == 'w'"}
        await there.configure(
            "Validating",
            hook("/a", objectSelector={"matchLabels": {"app": "x"}}),
            hook("/b", namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "no"}}),
            hook("/c", matchConditions=[condition]),
            hook("/d", matchConditions=[other]),
        )
        await there.post(CONFIGS, config())
        assert [path for path, _ in there.hooks.asked] == ["/c"]
        await there.post(CONFIGS, config(name="b", labels={"app": "x"}))
        assert sorted(path for path, _ in there.hooks.asked) == ["/a", "/c", "/c"]

    told(tmp_path, story)


def test_a_webhook_that_wants_it_is_asked_again_after_a_later_change(tmp_path: Path) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers |= {"/first": {}, "/label": {"patch": LABEL}}
        await there.configure(
            "Mutating",
            there.hooks.hook("/first", reinvocationPolicy="IfNeeded"),
            there.hooks.hook("/label"),
        )
        await there.post(CONFIGS, config())
        assert [path for path, _ in there.hooks.asked] == ["/first", "/label", "/first"]

    told(tmp_path, story)


def test_a_dry_run_is_told_to_the_webhook(tmp_path: Path) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers["/look"] = {}
        await there.configure("Validating", there.hooks.hook("/look"))
        await there.post(f"{CONFIGS}?dryRun=All", config())
        assert there.hooks.asked[0][1]["dryRun"] is True

    told(tmp_path, story)


def test_what_controllers_create_goes_through_webhooks_too(tmp_path: Path) -> None:
    async def story(there: Setting) -> None:
        there.hooks.answers["/label"] = {
            "patch": [{"op": "add", "path": "/metadata/labels/seen", "value": "yes"}]
        }
        hook = there.hooks.hook("/label")
        hook["rules"][0]["resources"] = ["pods"]
        await there.configure("Mutating", hook)
        spec = {"containers": [{"name": "c", "image": "i"}]}
        code, _ = await there.post(
            "/apis/apps/v1/namespaces/default/replicasets",
            {
                "metadata": {"name": "r"},
                "spec": {
                    "replicas": 3,
                    "selector": {"matchLabels": {"app": "r"}},
                    "template": {"metadata": {"labels": {"app": "r"}}, "spec": spec},
                },
            },
        )
        assert code == 201
        async with asyncio.timeout(10):
            while len(there.cluster.store.list(POD)) < 3:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.1)
        pods = there.cluster.store.list(POD)
        assert [pod["metadata"]["labels"]["seen"] for pod in pods] == ["yes"] * 3
        assert len(there.hooks.asked) == 3

    told(tmp_path, story)
