"""Notices reach real receivers: once, in order, over restarts and outages."""

import asyncio
import hmac
import itertools
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from receivers import Posted, mail_server, web_receiver

from kiban.adapters.delivery_driver import now
from kiban.adapters.journal import Journal
from kiban.adapters.notifications import Herald, Settings
from kiban.plans.plan import Plan, Step
from kiban.plans.records import Event, PlanClosed, PlanOpened, Record
from kiban.spec.notifications import Notification

SUBJECT = "shop/prod@eks"


def quarantined(tag: str) -> Event:
    return Event("release/quarantined", "web", "it eats memory", data={"tag": tag, "who": "ada"})


def deployment(number: int, ending: str = "done") -> list[Record]:
    """A commit that is delivered, or fails."""
    facts = {"commit": f"{number:040x}", "author": "Ada", "message": "Be <quick> & good"}
    step = Step("service:web", "apply", "web", "apply web")
    plan = Plan(f"p{number}", "sync", SUBJECT, "deliver", (step,), facts=facts)
    closed = PlanClosed(plan.id, SUBJECT, ending, "web: no", facts)  # type: ignore[arg-type]
    told = Event("delivery/delivered", SUBJECT, f"{number} is delivered", plan.id, {"images": {}})
    return [PlanOpened(plan), closed, *([told] if ending == "done" else [])]


def settings(**notifications: Mapping[str, Any]) -> Settings:
    found = {name: Notification.model_validate(each) for name, each in notifications.items()}
    return Settings("shop", found, {"web": "shopfront"})


@asynccontextmanager
async def telling(
    journal: Journal, wanted: Settings, holder: str = "test", **environment: str
) -> AsyncIterator[Herald]:
    herald = Herald(
        journal, wanted, holder, environment=environment, poll_seconds=0.01, retry_seconds=0.01
    )
    task = asyncio.create_task(herald.run())
    try:
        await begun(journal, wanted, task)
        yield herald
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def begun(journal: Journal, wanted: Settings, task: "asyncio.Task[None]") -> None:
    """Until every notification has its place in the journal."""
    async with asyncio.timeout(30):
        while not task.done():
            known = {entry.record.subject for entry in journal.entries(kind="event")}  # type: ignore[union-attr]
            if {f"notification/{name}" for name in wanted.notifications} <= known:
                return
            await asyncio.sleep(0.01)


def notes(journal: Journal, code: str) -> list[Event]:
    records = [entry.record for entry in journal.entries(kind="event", limit=-1)]
    return [one for one in records if isinstance(one, Event) and one.code == code]


def tags(posted: list[Posted]) -> list[str]:
    return [each.data["text"].split()[2] for each in posted]


def test_a_webhook_gets_what_happened_signed_and_under_a_key(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        async with web_receiver() as web:
            hook = {"webhook": f"{web.url}/in", "secret": "SIGN", "token": "BEARER"}
            async with telling(journal, settings(hub=hook), SIGN="s3cret", BEARER="t0ken"):
                await journal.append(deployment(7), now())
                (posted,) = await web.until(lambda found: len(found) == 1)
        assert posted.path == "/in"
        code = hmac.new(b"s3cret", posted.body, sha256).hexdigest()
        assert posted.headers["X-Kiban-Signature"] == f"sha256={code}"
        assert posted.headers["Authorization"] == "Bearer t0ken"
        assert posted.headers["Idempotency-Key"] == posted.data["id"]
        assert posted.data | {"id": "", "at": ""} == {
            "id": "",
            "at": "",
            "kind": "delivered",
            "platform": "shop",
            "environment": "prod",
            "cluster": "eks",
            "services": ["web"],
            "team": "shopfront",
            "commit": f"{7:040x}",
            "author": "Ada",
            "message": "Be <quick> & good",
            "text": "[shop] 7 is delivered",
        }
        for secret in ("s3cret", "t0ken"):
            assert secret not in str(journal.entries(limit=-1))
        journal.close()

    asyncio.run(story())


def test_slack_gets_text_in_its_own_writing(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        async with web_receiver() as web:
            chat = {"slack": "HOOK", "template": "$kind: $author says $message ($$)"}
            async with telling(journal, settings(chat=chat), HOOK=f"{web.url}/T0/B0"):
                await journal.append(deployment(7), now())
                (posted,) = await web.until(lambda found: len(found) == 1)
        assert posted.data == {"text": "delivered: Ada says Be &lt;quick&gt; &amp; good ($)"}
        assert "T0/B0" not in str(journal.entries(limit=-1))
        journal.close()

    asyncio.run(story())


def test_mail_arrives_and_is_sent_again_when_the_server_was_busy(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        async with mail_server() as server:
            server.answers = ["451 try later"]
            email = {
                "server": f"127.0.0.1:{server.port}", "sender": "kiban@example.com",
                "to": ["a@example.com", "b@example.com"], "security": "none",
            }  # fmt: skip
            async with telling(journal, settings(mail={"email": email})):
                await journal.append([quarantined("v2")], now())
                (mail,) = await server.until(1)
        assert mail["Subject"] == "[shop] web v2 was quarantined by ada: it eats memory"
        assert mail["To"] == "a@example.com, b@example.com"
        assert mail["Message-ID"].endswith("@example.com>")
        assert server.senders[-1].startswith("<kiban@example.com>")
        assert len(notes(journal, "notification/failing")) == 1
        journal.close()

    asyncio.run(story())


def test_a_restart_neither_loses_nor_repeats(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        await journal.append([quarantined("v0")], now())
        async with web_receiver() as web:
            wanted = settings(hub={"webhook": web.url})
            async with telling(journal, wanted):
                await journal.append([quarantined("v1")], now())
                await web.until(lambda found: len(found) == 1)
                await until_noted(journal, 2)
            await journal.append([quarantined("v2"), quarantined("v3")], now())
            async with telling(journal, wanted):
                await journal.append([quarantined("v4")], now())
                await web.until(lambda found: len(found) == 4)
        # What was before anybody asked is not told.
        assert tags(web.posted) == ["v1", "v2", "v3", "v4"]
        assert len({each.data["id"] for each in web.posted}) == 4
        journal.close()

    asyncio.run(story())


def test_what_was_sent_and_not_written_down_is_sent_under_the_same_key(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        async with web_receiver() as web:
            wanted = settings(hub={"webhook": web.url})
            async with telling(journal, wanted):
                pass
            web.answers = [500]
            async with telling(journal, wanted):
                await journal.append([quarantined("v1")], now())
                await web.until(lambda found: len(found) == 2)
        assert tags(web.posted) == ["v1", "v1"]
        assert web.posted[0].headers["Idempotency-Key"] == web.posted[1].headers["Idempotency-Key"]
        journal.close()

    asyncio.run(story())


def test_a_receiver_that_is_down_gets_all_in_order_later_and_holds_nobody_up(
    tmp_path: Path,
) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        async with web_receiver() as gone:
            pass
        port = int(gone.url.rpartition(":")[2])
        async with web_receiver() as web:
            wanted = settings(down={"webhook": gone.url}, up={"webhook": web.url})
            async with telling(journal, wanted):
                await journal.append([quarantined("v1"), quarantined("v2")], now())
                assert tags(await web.until(lambda found: len(found) == 2)) == ["v1", "v2"]
                await until_failing(journal)
                async with web_receiver(port) as back:
                    assert tags(await back.until(lambda found: len(found) == 2)) == ["v1", "v2"]
        failing = notes(journal, "notification/failing")
        assert [each.subject for each in failing] == ["notification/down"]
        journal.close()

    asyncio.run(story())


def test_a_message_that_is_turned_down_is_noted_and_the_next_one_goes(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        async with web_receiver() as web:
            web.answers = [422]
            async with telling(journal, settings(hub={"webhook": web.url})):
                await journal.append([quarantined("v1"), quarantined("v2")], now())
                await web.until(lambda found: len(found) == 2)
        assert tags(web.posted) == ["v1", "v2"]
        (refused,) = notes(journal, "notification/refused")
        assert "the answer was 422" in refused.message
        journal.close()

    asyncio.run(story())


def test_a_secret_that_is_not_set_is_said_by_its_name(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        async with telling(journal, settings(chat={"slack": "HOOK"})):
            await journal.append([quarantined("v1")], now())
            await until_failing(journal)
        (failing,) = notes(journal, "notification/failing")
        assert "HOOK is not set" in failing.message
        journal.close()

    asyncio.run(story())


def test_of_two_processes_one_tells(tmp_path: Path) -> None:
    async def story() -> None:
        here, there = Journal(tmp_path / "journal.db"), Journal(tmp_path / "journal.db")
        async with web_receiver() as web:
            wanted = settings(hub={"webhook": web.url})
            async with telling(here, wanted, "one"), telling(there, wanted, "two"):
                for number in range(5):
                    await here.append([quarantined(f"v{number}")], now())
                await web.until(lambda found: len(found) == 5)
        assert tags(web.posted) == [f"v{number}" for number in range(5)]
        here.close()
        there.close()

    asyncio.run(story())


def test_a_commit_may_change_who_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        journal = Journal(tmp_path / "journal.db")
        async with web_receiver() as one, web_receiver() as two:
            first = settings(hub={"webhook": one.url})
            async with telling(journal, first) as herald:
                await journal.append([quarantined("v1")], now())
                await one.until(lambda found: len(found) == 1)
                await until_noted(journal, 2)
                herald.configure(settings(hub={"webhook": two.url}))
                async with asyncio.timeout(30):
                    # What is read in this very moment goes to the first one still.
                    for number in itertools.count(2):
                        await journal.append([quarantined(f"v{number}")], now())
                        if two.posted:
                            break
                        await asyncio.sleep(0.01)
        found = list(dict.fromkeys(tags(one.posted) + tags(two.posted)))
        assert found == [f"v{number}" for number in range(1, len(found) + 1)]
        assert tags(one.posted)[0] == "v1"
        journal.close()

    asyncio.run(story())


async def until_noted(journal: Journal, count: int) -> None:
    async with asyncio.timeout(30):
        while len(notes(journal, "notification/told")) < count:
            await asyncio.sleep(0.01)


async def until_failing(journal: Journal) -> None:
    async with asyncio.timeout(30):
        while not notes(journal, "notification/failing"):
            await asyncio.sleep(0.01)
