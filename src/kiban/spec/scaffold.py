"""The files of a new platform repo that comes up as it is: one small web service, three
environments. Its program needs only Python's standard library."""

_PLATFORM = """\
# What holds for all services; see `kiban schema` for everything that can be said.
platform: {name}

teams:
  core: {{description: Who runs the platform and its first service.}}

environments:
  dev:
    cluster: dev
    domain: {name}.localhost
    defaults: {{drain: 3s}}
  stg:
    cluster: stg
    domain: {name}.stg.example.com
    after: dev
  prod:
    cluster: prod
    domain: {name}.example.com
    after: stg
    manual: true
    defaults: {{availability: {{zones: 3}}}}

clusters:
  dev:
    zones: [ap-northeast-1a, ap-northeast-1c]
    nodes: {{base: {{instance: m5.large, min: 2, max: 3}}}}
  stg:
    zones: [ap-northeast-1a, ap-northeast-1c]
    nodes: {{base: {{instance: m5.large, min: 2, max: 4}}}}
  prod:
    zones: [ap-northeast-1a, ap-northeast-1c, ap-northeast-1d]
    nodes: {{base: {{instance: m5.large, min: 3, max: 9}}}}
"""

_SERVICE = """\
service: hello
team: core
image: registry.example/{name}/hello
build: apps/hello
command: [python3, main.py]
port: 8080
health: /healthz
resources: {{cpu: 50m, memory: 64Mi}}
routes: {{public: /}}
env: {{GREETING: Hello from {name}}}
environments:
  dev: {{scale: 2}}
  prod: {{scale: {{min: 3, max: 12, cpu: 70%}}}}
"""

_PROGRAM = '''\
"""A web service in one file: says hello, and tells when it is healthy."""

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/healthz":
            self.answer({"healthy": True})
        else:
            greeting = os.environ.get("GREETING", "Hello")
            self.answer({"greeting": greeting, "release": os.environ.get("KIBAN_RELEASE", "")})

    def answer(self, data):
        body = json.dumps(data).encode() + b"\\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        if self.path != "/healthz":
            print(json.dumps({"request": format % arguments}), flush=True)


def main():
    address = os.environ.get("HOST", "0.0.0.0"), int(os.environ.get("PORT", "8080"))
    server = ThreadingHTTPServer(address, Handler)
    # Shutting down waits for the serving loop, so it must not run inside it.
    stop = lambda *_: threading.Thread(target=server.shutdown).start()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    print(json.dumps({"listening": "%s:%s" % server.server_address[:2]}), flush=True)
    server.serve_forever()
    server.server_close()


if __name__ == "__main__":
    main()
'''

_DOCKERFILE = """\
FROM public.ecr.aws/docker/library/python:3.13-slim
WORKDIR /app
COPY . .
USER 10001
"""

_README = """\
# {name}

    kiban up .        # the whole platform on this machine, until Ctrl-C
    kiban check .     # what is wrong, before anybody else sees it
    kiban compile .   # the manifests of every environment

A service is one file in `services/`; which image it runs in an environment is one line in
`releases/`.
"""

_WAIVERS = """\
# Findings that are accepted for now, each with an owner, a reason and an end:
#   spread-zone-hello:
#     rule: spread-zone
#     object: Deployment/hello
#     owner: core
#     reason: one zone is enough until launch
#     expires: 2030-01-31
"""


def scaffold(name: str) -> dict[str, str]:
    """The files of a new repo, by relative path."""
    release = "hello: v1\n"
    return {
        "README.md": _README.format(name=name),
        ".gitignore": ".kiban/\n__pycache__/\n",
        "apps/hello/Dockerfile": _DOCKERFILE,
        "apps/hello/main.py": _PROGRAM,
        "platform.yaml": _PLATFORM.format(name=name),
        "releases/dev.yaml": release,
        "releases/prod.yaml": release,
        "releases/stg.yaml": release,
        "services/hello.yaml": _SERVICE.format(name=name),
        "waivers.yaml": _WAIVERS,
    }
