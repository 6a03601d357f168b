"""Loading a platform repo: effective values, and every mistake at once with its position."""

import pytest

from kiban.primitives.problems import KibanError, Problem
from kiban.spec import Platform, load_platform
from kiban.spec.scaffold import scaffold

PLATFORM = """\
platform: shop
teams:
  contents: {defaults: {drain: 10s, env: {TEAM: contents}}}
  core: {}
clusters:
  main: {zones: [a, b, c]}
environments:
  dev: {cluster: main, domain: shop.localhost, defaults: {drain: 2s}}
  prod: {cluster: main, after: dev, domain: shop.example.com, defaults: {spot: 50%}}
resources: {main: postgres, cache: {type: redis}}
defaults:
  team: core
  env: {LOG_LEVEL: info}
  image: registry.example/any
"""
STAMP = """\
service: stamp
team: contents
image: registry.example/stamp
port: 8080
health: /healthz
uses: {points: service, main: resource}
env: {VERSION: 1.10, DEBUG: yes}
environments:
  dev: {health: {startup: 2m}, env: {LOG_LEVEL: debug, TEAM: null}, scale: 1}
"""
POINTS = "image: registry.example/points\nport: 9000\n"


def repo(**changes: str) -> dict[str, str]:
    files = {
        "platform.yaml": PLATFORM,
        "services/stamp.yaml": STAMP,
        "services/points.yaml": POINTS,
        "releases/dev.yaml": "stamp: 1.10\npoints: 0012\n",
    }
    names = {"platform": "platform.yaml", "stamp": "services/stamp.yaml"}
    names |= {"points": "services/points.yaml", "dev": "releases/dev.yaml"}
    return files | {names[name]: text for name, text in changes.items()}


def problems_of(files: dict[str, str], *, strict: bool = False) -> list[Problem]:
    with pytest.raises(KibanError) as caught:
        load_platform(files, strict=strict)
    return list(caught.value.problems)


def places_of(files: dict[str, str]) -> list[tuple[str, str]]:
    return [(one.code, str(one.place)) for one in problems_of(files)]


@pytest.fixture
def platform() -> Platform:
    return load_platform(repo())


def test_layers_are_merged_key_by_key(platform: Platform) -> None:
    stamp = platform.services["dev"]["stamp"]
    assert stamp.env == {"LOG_LEVEL": "debug", "VERSION": "1.10", "DEBUG": "yes"}
    assert (stamp.drain, stamp.health.path, stamp.health.startup) == (10.0, "/healthz", 120.0)
    assert (stamp.scale.min, stamp.scale.max) == (1, 1)
    prod = platform.services["prod"]["stamp"]
    assert prod.env["TEAM"] == "contents"
    assert (prod.spot, prod.health.startup) == (50.0, 60.0)
    assert platform.services["dev"]["points"].drain == 2.0


def test_a_tag_is_taken_as_it_was_written(platform: Platform) -> None:
    tags = {name: release.tag for name, release in platform.releases["dev"].items()}
    assert tags == {"stamp": "1.10", "points": "0012"}
    assert platform.unreleased("prod") == ["points", "stamp"]


def test_the_kind_follows_from_the_fields() -> None:
    files = repo() | {
        "services/night.yaml": "schedule: 0 3 * * *\nimage: night\n",
        "services/hand.yaml": "job: hand\nimage: hand\n",
        "services/mill.yaml": "image: mill\n",
    }
    services = load_platform(files).services["dev"]
    kinds = {name: service.kind for name, service in services.items()}
    assert kinds == {
        "hand": "job",
        "mill": "worker",
        "night": "job",
        "points": "web",
        "stamp": "web",
    }


def test_what_is_only_built_here_has_a_local_image() -> None:
    files = repo(platform=PLATFORM.replace("  image: registry.example/any\n", ""))
    files["services/mill.yaml"] = "build: apps/mill\n"
    service = load_platform(files).services["dev"]["mill"]
    assert service.image == "kiban.local/mill"


def test_five_mistakes_give_five_positioned_errors() -> None:
    stamp = """\
service: stamp
team: contens
image: registry.example/stamp
prot: 8080
port: 8080
drain: 15
uses: {pionts: service}
environments:
  prd: {scale: 2}
"""
    assert places_of(repo(stamp=stamp)) == [
        ("spec/unknown-team", "services/stamp.yaml:2:7"),
        ("spec/unknown-field", "services/stamp.yaml:4:1"),
        ("spec/wrong-value", "services/stamp.yaml:6:8"),
        ("spec/unknown-service", "services/stamp.yaml:7:8"),
        ("spec/unknown-environment", "services/stamp.yaml:9:3"),
    ]
    said = [one.what for one in problems_of(repo(stamp=stamp))]
    assert said == [
        "there is no team 'contens'; did you mean 'contents'?",
        "`prot` is not a field of service stamp; did you mean `port`?",
        "`drain`: 15 is not a span of time; write it with a unit, like 15s",
        "there is no service 'pionts'; did you mean 'points'?",
        "there is no environment 'prd'; did you mean 'prod'?",
    ]


def test_a_command_line_is_split_as_a_shell_would() -> None:
    files = repo(stamp="port: 8080\ncommand: run 'a b' --n 1.10\nargs: [1.10, yes]\n")
    stamp = load_platform(files).services["dev"]["stamp"]
    assert (stamp.command, stamp.args) == (["run", "a b", "--n", "1.10"], ["1.10", "yes"])


def test_a_slip_of_the_pen_is_one_problem() -> None:
    for stamp in (
        "prot: 8080\nroutes: {public: /}\n",
        "helth: {path: /x}\nport: 8080\n",
        "port: 8080\nuses: {db: {tpye: postgres}}\n",
        "port: 8080\nenvironments: {dev: {scael: 2}}\n",
    ):
        found = problems_of(repo(stamp=stamp, dev=""))
        assert [one.code for one in found] == ["spec/unknown-field"], stamp
    files = repo(platform=PLATFORM.replace("platform: shop", "platfrom: shop"))
    assert places_of(files) == [("spec/unknown-field", "platform.yaml:1:1")]
    files = repo(platform=PLATFORM.replace("drain: 2s", "drian: 2s"))
    assert places_of(files) == [("spec/unknown-field", "platform.yaml:8:59")]


def test_mistakes_in_all_files_come_together() -> None:
    files = repo(
        platform=PLATFORM.replace("after: dev", "after: dve").replace(
            "cluster: main, d", "cluster: mian, d"
        ),
        points="image: registry.example/points\nport: nine\n",
        dev="stamp: [a]\nponits: v1\n",
    )
    assert places_of(files) == [
        ("spec/unknown-cluster", "platform.yaml:8:18"),
        ("spec/unknown-environment", "platform.yaml:9:32"),
        ("spec/release", "releases/dev.yaml:1:8"),
        ("spec/unknown-service", "releases/dev.yaml:2:1"),
        ("spec/wrong-value", "services/points.yaml:2:7"),
    ]


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("port: 8080\nslo: null\n", ("spec/override-hits-nothing", 2, 1)),
        ("port: 8080\nenvironments: {dev: {scale: {mx: 2}}}\n", ("spec/unknown-field", 2, 30)),
        ("port: 8080\nscale: {min: 4, max: 2}\n", ("spec/scale", 2, 22)),
        ("port: 8080\nscale: {min: 0, max: 2}\n", ("spec/scale", 2, 14)),
        ("port: 8080\nschedule: 0 3 * * *\n", ("spec/not-of-this-kind", 1, 1)),
        ("schedule: 0 25 * * *\n", ("spec/schedule", 1, 11)),
        ("port: 8080\nretries: 3\n", ("spec/not-of-this-kind", 2, 1)),
        ("routes: {a: /}\n", ("spec/missing-field", 1, 1)),
        ("port: 8080\nsecrets: {KEY: nowhere}\n", ("spec/secret", 2, 16)),
        ("port: 8080\nuses: {main: {type: postgrs}}\n", ("spec/wrong-value", 2, 21)),
        ("port: 8080\nuses: {mian: resource}\n", ("spec/unknown-resource", 2, 8)),
        ("port: 8080\nuses: {x: {type: service, name: pints}}\n", ("spec/unknown-service", 2, 33)),
        ("port: 8080\nuses: {stamp: service}\n", ("spec/cycle", 2, 8)),
        ("port: 8080\nenv: {A: {b: c}}\n", ("spec/wrong-value", 2, 10)),
        ("port: 8080\nhealth: {path: healthz}\n", ("spec/wrong-value", 2, 16)),
        ("port: 8080\nresources: {cpu: many}\n", ("spec/wrong-value", 2, 18)),
        ("port: 99999\n", ("spec/wrong-value", 1, 7)),
        ("port: 8080\nspot: 120%\n", ("spec/wrong-value", 2, 7)),
        ("port: 8080\nports: {Bad_Name: 1}\n", ("spec/wrong-name", 2, 9)),
        ("port: 8080\nroutes: {a: {port: admin}}\n", ("spec/unknown-port", 2, 20)),
        ("port: 8080\npatches: {Deployment/stamp spec: {set: 1}}\n", ("spec/missing-field", 2, 11)),
        ("- a\n", ("spec/not-a-map", 1, 1)),
        ("image: null\n", ("spec/missing-field", 1, 1)),
        ("port: 8080\nenvironments: [dev]\n", ("spec/wrong-value", 2, 15)),
        ("port: 8080\nenvironments: {dev: 3}\n", ("spec/wrong-value", 2, 21)),
        ("port: 8080\nenvironments: {dev: {kind: web}}\n", ("spec/said-once", 2, 22)),
        ("port: 8080\nports: {http: 1}\n", ("spec/twice", 2, 9)),
        ("port: 8080\nports: {a: 8080}\n", ("spec/twice", 2, 9)),
        ("port: 8080\ninit: {app: [a]}\n", ("spec/twice", 2, 8)),
        ("port: 8080\nvolumes: {a: /x, b: /x}\n", ("spec/twice", 2, 18)),
        ("port: 8080\nenv: {A-B: x}\n", ("spec/wrong-name", 2, 7)),
        ("port: 8080\nfiles: {/a: {content: x, mode: 9x}}\n", ("spec/wrong-value", 2, 32)),
        ("port: 8080\nroutes: {a: {host: 'http://x'}}\n", ("spec/wrong-value", 2, 20)),
        ("port: [\n", ("spec/yaml", 2, 1)),
        ("kind: job\nimage: a\nport: 80\n", ("spec/not-of-this-kind", 3, 1)),
    ],
)
def test_each_mistake_has_its_place(stamp: str, expected: tuple[str, int, int]) -> None:
    found = problems_of(repo(stamp=stamp, dev=""))
    assert [(one.code, one.place.line, one.place.column) for one in found] == [expected]


def test_an_unreadable_file_makes_no_further_mistakes() -> None:
    assert places_of(repo(points="port: [")) == [("spec/yaml", "services/points.yaml:2:1")]
    assert places_of(repo(platform="platform: [", points="prt: 1\nport: 2\nimage: a\n")) == [
        ("spec/yaml", "platform.yaml:2:1"),
        ("spec/unknown-field", "services/points.yaml:1:1"),
    ]


def test_an_override_may_add_what_is_whole() -> None:
    stamp = STAMP + "  prod: {routes: {public: /stamp}, slo: {availability: 99.9%}}\n"
    services = load_platform(repo(stamp=stamp)).services
    assert services["prod"]["stamp"].routes["public"].path == "/stamp"
    assert services["dev"]["stamp"].routes == {}


def test_services_that_use_each_other_in_a_circle_are_reported_once() -> None:
    files = repo(points=POINTS + "uses: {stamp: service}\n")
    found = problems_of(files)
    assert [one.what for one in found] == [
        "services use each other in a circle: points -> stamp -> points"
    ]
    assert str(found[0].place) == "services/points.yaml:3:8"
    load_platform(repo(points=POINTS + "uses: {stamp: {type: service, optional: true}}\n"))


def test_two_services_cannot_have_one_route() -> None:
    files = repo(
        stamp=STAMP.replace("health", "routes: {public: /}\nhealth", 1),
        points=POINTS + "routes: {main: /}\n",
    )
    [problem] = problems_of(files)
    assert (problem.code, str(problem.place)) == ("spec/route-taken", "services/stamp.yaml:5:10")
    assert "services/points.yaml:3:10" in problem.fix


def test_a_service_is_described_once() -> None:
    files = repo() | {"services/again.yaml": "service: stamp\nport: 1\n"}
    assert places_of(files)[0] == ("spec/twice", "services/stamp.yaml:1:10")


def test_a_release_of_no_environment_is_reported() -> None:
    files = repo() | {"releases/prdo.yaml": "stamp: a\n"}
    [problem] = problems_of(files)
    assert problem.fix == "rename the file to releases/prod.yaml"


def test_releases_may_be_missing_unless_strict() -> None:
    found = problems_of(repo(), strict=True)
    assert [one.what for one in found] == [
        "'points' has no release in prod",
        "'stamp' has no release in prod",
    ]


def test_a_directory_without_a_platform_is_reported() -> None:
    assert places_of({}) == [("spec/no-platform", "platform.yaml")]
    assert places_of({"platform.yaml": ""}) == [
        ("spec/missing-field", "platform.yaml:1:1"),
        ("spec/missing-field", "platform.yaml:1:1"),
    ]


def test_the_order_of_files_changes_nothing() -> None:
    files = repo()
    backwards = dict(reversed(files.items()))
    assert load_platform(files).services == load_platform(backwards).services


def test_a_new_repo_loads() -> None:
    platform = load_platform(scaffold("demo"))
    assert list(platform.environments) == ["dev", "stg", "prod"]
    assert platform.unreleased("dev") == []
