"""What the pages show of what is known, and how one picture becomes the next."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from tests.web.boards import board, node, pod, status

from kiban.telemetry import Act
from kiban.web.board import Load
from kiban.web.outline import SubnetOutline
from kiban.web.pictures.nodes import nodes_picture
from kiban.web.pictures.objects import object_tree
from kiban.web.pictures.picture import Picture, difference, whole
from kiban.web.pictures.platform import PAGE, PlatformPictures
from kiban.web.pictures.pods import life_of
from kiban.web.pictures.record import record_page
from kiban.web.pictures.service import service_picture


def test_the_worst_services_come_first_and_say_why() -> None:
    known = board()
    known.set_status(
        status({"shop-0000": "Healthy", "shop-0001": "Degraded", "shop-0002": "Progressing"})
    )
    picture = PlatformPictures().picture(known, {})
    assert [row["id"] for row in picture.rows] == ["shop-0001", "shop-0002", "shop-0000"]
    cell = picture.rows[0]["cells"]["dev"]
    assert (cell["status"], cell["tag"], cell["why"]) == (
        "Degraded",
        "v2",
        "shop-0001 is Degraded",
    )
    assert picture.facts["unwell"] == 1
    assert picture.facts["environments"][0]["clusters"][0]["commit"]["words"] == "Sell more"


def test_an_environment_nobody_tells_of_shows_what_git_says() -> None:
    row = PlatformPictures().picture(board(), {}).rows[0]
    assert row["cells"]["stg"] == {"tag": "v1"}


def test_the_list_is_filtered_and_paged_on_the_server() -> None:
    pictures, known = PlatformPictures(), board(1_000)
    first = pictures.picture(known, {})
    assert (len(first.rows), first.facts["pages"]) == (PAGE, 1_000 // PAGE)
    last = pictures.picture(known, {"page": "999"})
    assert last.rows[-1]["id"] == "shop-0999"
    found = pictures.picture(known, {"q": "RED -099", "sort": "name"})
    assert [row["id"] for row in found.rows] == [f"shop-{n:04}" for n in range(991, 1_000, 2)]


def test_a_row_is_drawn_again_only_when_its_service_has_changed() -> None:
    pictures, known = PlatformPictures(), board()
    before = {row["id"]: row for row in pictures.picture(known, {}).rows}
    known.see(pod("shop-0001", 1))
    after = {row["id"]: row for row in pictures.picture(known, {}).rows}
    assert after["shop-0000"] is before["shop-0000"]
    assert (
        before["shop-0001"]["cells"]["dev"]["ready"],
        after["shop-0001"]["cells"]["dev"]["ready"],
    ) == (0, 1)


def test_a_service_shows_its_pods_its_neighbours_and_its_load() -> None:
    known = board()
    known.see(node("node-1"))
    known.see(pod("shop-0001", 1))
    known.see(pod("shop-0001", 2, ready=False))
    known.measure("p-dev", "shop-0001", Load(1.0, 12.0, 0.5, 3.0, 9.0))
    picture = service_picture(known, {"name": "shop-0001", "env": "dev"})
    assert [(row["life"], row["zone"], row["tag"]) for row in picture.rows] == [
        ("starting", "", "v2"),
        ("ready", "ap-northeast-1a", "v2"),
    ]
    assert picture.facts["loads"][-1]["rate"] == 12.0
    boxes = {box["id"]: (box["column"], box["rate"]) for box in picture.facts["graph"]["nodes"]}
    assert boxes == {"shop-0000": (0, None), "shop-0001": (1, 12.0), "shop-0002": (2, None)}


def test_a_pod_that_is_gone_is_gone_from_its_service_and_its_node() -> None:
    known = board()
    known.see(pod("shop-0001", 1))
    known.see(pod("shop-0001", 1), gone=True)
    assert known.pods_of("dev", "shop-0001") == known.pods_on("node-1") == []


def test_the_life_of_a_pod_is_one_word() -> None:
    assert life_of(pod("a", 1, deletionTimestamp="2026-11-21T10:00:00Z")) == "draining"
    waiting = pod("a", 1, ready=False)
    waiting["spec"] = {"containers": []}
    assert life_of(waiting) == "waiting"


def test_nodes_say_what_is_asked_of_them_and_what_they_cost() -> None:
    known = board()
    known.see(node("node-1"))
    known.see(pod("shop-0001", 1))
    known.set_usage({("p-dev", "shop-0001-1"): (40, 10 * 2**20)})
    picture = nodes_picture(known, {"q": "spot"}, lambda *_: 0.05)
    [row] = picture.rows
    assert (row["askedCpu"], row["cpu"], row["usedCpu"], row["spot"]) == (250, 2000, 40, True)
    assert (row["askedMemory"], row["memory"]) == (64 * 2**20, 8 * 2**30)
    assert (picture.facts["price"], row["room"]) == (0.05, 29)


def test_a_declared_subnet_says_how_many_addresses_are_left() -> None:
    known = board()
    subnets = {"ap-northeast-1a": SubnetOutline("10.0.0.0/24", 251, 100)}
    known.set_outline(replace(known.outline, subnets=subnets))
    known.see(node("node-1"))
    known.see(pod("shop-0001", 1))
    sharing = pod("shop-0001", 3)
    sharing["spec"]["hostNetwork"] = True
    known.see(sharing)
    facts = nodes_picture(known, {}, lambda *_: None).facts
    assert facts["subnets"]["ap-northeast-1a"] == {"cidr": "10.0.0.0/24", "size": 251, "used": 102}


def test_what_waits_to_be_promoted_is_counted() -> None:
    facts = PlatformPictures().picture(board(), {}).facts
    assert [len(each["arriving"]) for each in facts["environments"]] == [0, 3]


def test_the_record_is_filtered_and_read_page_by_page() -> None:
    made = [Act(n, "2026", "ai", "deliver", f"p/dev@{n % 2}", "done") for n in range(250)]
    first = record_page(made, {"q": "AI p/dev@1"})
    assert [len(first["acts"]), first["acts"][0]["sequence"], first["more"]] == [100, 249, True]
    second = record_page(made, {"q": "ai p/dev@1", "before": str(first["next"])})
    assert [act["sequence"] for act in second["acts"]] == list(range(49, 0, -2))


def test_objects_stand_under_their_owners() -> None:
    def made(kind: str, name: str, owner: str = "") -> dict[str, Any]:
        references = [{"uid": owner, "kind": "x", "name": "x"}] if owner else []
        metadata = {"name": name, "namespace": "n", "uid": name, "ownerReferences": references}
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata}

    tree = object_tree([made("Pod", "p", "s"), made("Set", "s", "d"), made("Deployment", "d")])
    assert [(each["object"], each["depth"]) for each in tree] == [
        ("Deployment/n/d", 0),
        ("Set/n/s", 1),
        ("Pod/n/p", 2),
    ]


values = some.one_of(some.integers(0, 3), some.text(max_size=2))
pictures = some.builds(
    Picture,
    some.dictionaries(some.sampled_from("abc"), values),
    some.lists(
        some.builds(
            lambda id_, value: {"id": id_, "value": value}, some.sampled_from("xyz"), values
        ),
        unique_by=lambda row: row["id"],
    ),
)


@given(pictures, pictures)
def test_a_difference_leads_from_one_picture_to_the_next(before: Picture, after: Picture) -> None:
    # Facts are never taken away: a page's facts have the same names as long as it is open.
    after = replace(after, facts={**before.facts, **after.facts})
    shown = whole(before)
    message = difference(before, after)
    if message is None:
        assert (before.facts, list(before.rows)) == (after.facts, list(after.rows))
        return
    shown["facts"].update(message.get("facts", {}))
    shown["rows"].update(message.get("rows", {}))
    shown["order"] = message.get("order", shown["order"])
    drawn = Picture(shown["facts"], [shown["rows"][id_] for id_ in shown["order"]])
    assert (drawn.facts, drawn.rows) == (after.facts, list(after.rows))
