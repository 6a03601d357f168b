"""An example for every field of a service file, for the reference page and for editors. Each is a
part of a service file that compiles (tests/spec/test_field_examples.py)."""

EXAMPLES: dict[str, str] = {
    "service": "service: stamp",
    "kind": "kind: static  # a server of files: port 8080, asked at /",
    "description": "description: Gives a stamp for every visit.",
    "team": "team: contents",
    "image": "image: registry.example/stamp",
    "images": """\
images: {semver: ^1.4, pin: true, interval: 5m}
environments:
  dev:
    images: {semver: null, pattern: 'main-[0-9a-f]+-(?P<n>[0-9]+)', order: number}
""",
    "build": """\
build:                     # or only: build: apps/stamp
  context: apps/stamp
  dockerfile: docker/Dockerfile
  target: runtime
  args: {PYTHON_VERSION: 3.12}
  platforms: {arm: linux/arm64, intel: linux/amd64}
  cache: {main: 'registry.example/stamp:cache'}
""",
    "command": "command: python -m stamp  # or a list: [python, -m, stamp]",
    "args": "args: [--workers, 4]",
    "workingDir": "workingDir: /srv",
    "port": "port: 8080",
    "ports": "ports: {grpc: 9090, dns: 5353}",
    "protocols": "ports: {grpc: 9090, dns: 5353}\nprotocols: {grpc: grpc, dns: udp}",
    "health": """\
health:                    # or only: health: /ready
  path: /ready
  port: 8081
  startup: 2m              # a slow start is no failure
  liveness: /alive         # asks no dependency
  interval: 5s
  timeout: 2s
  failures: 3
environments:
  dev: {health: {path: null, command: [/bin/ready], tcp: false, grpc: false}}
  prod: {health: {liveness: null, livenessCommand: [/bin/alive]}}
""",
    "resources": """\
resources: {cpu: 500m, memory: 512Mi, cpuLimit: 2, memoryLimit: 1Gi, disk: 1Gi, gpu: 1}
""",
    "scale": """\
uses: {orders: {type: queue}, mails: {type: queue}}
scale:                     # or only a number: scale: 3
  min: 4
  max: 40
  cpu: 70%
  memory: 80%
  requests: 100            # a second, for each instance
  latency: 300ms           # of 95 in 100 requests
  queues:
    orders: 30             # waiting messages for each instance
    mails: {delay: 1m, work: 200ms}
  metrics:
    lag:
      target: 5
      labels: {topic: orders}
      source: prometheus
      query: sum(consumer_lag)
      server: http://prometheus.monitoring:9090
  schedules:
    campaign: {start: 0 8 * * *, end: 0 20 * * *, min: 10, timezone: Asia/Tokyo}
  settle: 5m
  hold: 30s
  spotFrom: 3              # two on demand, the rest on spot
environments:
  dev: {scale: {queues: {orders: {messages: 10}}}}
""",
    "instances": "instances: named",
    "rollout": """\
rollout: {strategy: canary, steps: [10%, 50%], pause: 5m, gates: true, by: replicas}
""",
    "drain": "drain: 15s",
    "availability": "availability: {zones: 3, strict: false}  # or: availability: 3",
    "spot": "spot: 50%",
    "nodes": "nodes: {example.com/pool: batch}",
    "arch": "arch: arm64",
    "tolerations": "tolerations: {dedicated: batch, example.com/any: ''}",
    "priority": "priority: business-critical",
    "routes": """\
ports: {grpc: 9090}
routes:
  public: /stamp           # host: the environment's domain
  old:
    {path: /old, exact: true, redirect: {host: www.example.com, path: /new, code: 302}}
  api: {host: api.example.com, path: /v2, timeout: 10s, weights: {points: 10%}}
  rpc: {host: rpc.example.com, port: grpc, protocol: grpc}
  admin: {path: /admin, sources: {office: 203.0.113.0/24}, rateLimit: 20, sticky: 1h}
  inside: {host: stamp.internal.example.com, internal: true}
  site: {host: cdn.example.com, cdn: true}
""",
    "listeners": """\
ports: {game: 7777, mqtt: 1883}
protocols: {game: udp}
listeners:
  game: game               # one of ports
  broker:
    port: mqtt
    at: 8883
    tls: true
    host: mqtt.example.com
    internal: false
    sources: {office: 203.0.113.0/24}
""",
    "uses": """\
uses:
  points: service
  main: resource           # shared, from platform.yaml
  cache: {type: redis, optional: true}
  sessions: {type: redis, name: store, outputs: {url: SESSION_STORE_URL}}
  scores: {type: redis, class: large, params: {nodes: 3}}  # a class of platform.yaml
""",
    "env": """\
uses: {main: resource, points: service}
env:
  LOG_LEVEL: info
  WORKERS: 4
  STAGE: ${platform}-${environment}
  DATABASE: ${resources.main.url}?sslmode=require
  SEARCH: ${services.points.url}/search
""",
    "secrets": "secrets: {API_KEY: stamp/api-key}",
    "files": """\
files:
  /etc/stamp/limits.yaml: 'max: 5'
  /etc/stamp/run.sh: {content: 'echo hello ${environment}', expand: true, mode: 0755}
  /etc/stamp/tls.key: {secret: stamp/tls-key}
  /etc/stamp/logo.png: {base64: aVZCT1J3MEtHZ28=}
""",
    "volumes": """\
volumes:
  scratch: /scratch
  index: {path: /index, type: disk, size: 50Gi, storageClass: gp3}
  media: {path: /media, type: shared, readOnly: true}
  cache: {path: /cache, type: memory, size: 64Mi}
""",
    "init": """\
init:
  warm: {image: 'registry.example/warm:v3', command: [warm], args: [--all], env: {LEVEL: debug}}
""",
    "sidecars": """\
sidecars:
  proxy:
    image: registry.example/proxy:v3
    command: [proxy]
    args: [--verbose]
    env: {UPSTREAM: localhost}
    secrets: {TOKEN: stamp/proxy-token}
    port: 9000
    health: /ready
    resources: {cpu: 50m, memory: 64Mi, cpuLimit: 200m, memoryLimit: 128Mi, disk: 10Mi, gpu: 0}
    user: 101
""",
    "allow": """\
ports: {metrics: 9102}
allow:
  prometheus: {namespace: monitoring, labels: {app: prometheus}, port: metrics}
  office: {network: 10.1.0.0/16}
""",
    "hooks": """\
hooks:
  migrate: {command: [migrate], args: [--safe], env: {STEP: all}, deadline: 10m, retries: 0}
  warm: python warm.py      # only the program
  smoke: {when: after, image: 'registry.example/smoke:v2', command: [smoke], delete: success}
""",
    "slo": "slo: {availability: 99.9%, latency: {p50: 50ms, p90: 150ms, p95: 200ms, p99: 500ms}}",
    "owner": "owner: '#contents'",
    "tier": "tier: critical",
    "links": "links: {runbook: 'https://wiki.example.com/stamp'}",
    "budget": "budget: 300",
    "labels": "labels: {cost-center: a1}",
    "annotations": "annotations: {example.com/scrape: 'yes'}",
    "schedule": "kind: job\nschedule: 0 3 * * *",
    "timezone": "schedule: 0 3 * * *\ntimezone: Asia/Tokyo",
    "concurrency": "schedule: 0 3 * * *\nconcurrency: replace",
    "deadline": "schedule: 0 3 * * *\ndeadline: 30m",
    "retries": "schedule: 0 3 * * *\nretries: 5",
    "parallel": "schedule: 0 3 * * *\nparallel: 4",
    "runs": "schedule: 0 3 * * *\nparallel: 4\nruns: 20",
    "keep": "schedule: 0 3 * * *\nkeep: 2h",
    "role": "role: arn:aws:iam::123456789012:role/stamp",
    "pullSecret": "pullSecret: registry",
    "token": "token: true",
    "user": "user: 10001",
    "suspended": "schedule: 0 3 * * *\nsuspended: true",
    "patches": """\
patches:
  Deployment/stamp hostAliases:
    set: [{ip: 10.0.0.7, hostnames: [legacy]}]
    reason: the old billing machine has no name
    expires: 2027-03-31
  PodDisruptionBudget/stamp spec.unhealthyPodEvictionPolicy:
    remove: true
    reason: the old cluster does not know it
""",
    "environments": "environments:\n  dev: {scale: 1, spot: 100%, env: {LOG_LEVEL: debug}}",
    "clusters": "clusters:\n  main: {env: {REGION: east}}",
}
