"""`peakproof try` plays each journey behind the guard rails of a run, shows it, and writes what it counted."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.demand.plan import read_plan
from loadtests.guardrails.lease import Place, held
from tests.ports import free_port
from tests.record_pages import record_pages
from tests.scripts.world import PLAN, Command, Ended, FakeShop, fake_shop, slo, targets

MINE = """\
from peakproof import Shop, journey


class Mine(Shop):
    @journey
    def look(self):
        self.get("home", "/api")

    @journey(buys=True)
    def buy(self):
        with self.order([self.line("tee")], 900) as order:
            done = self.post("checkout", "/order", {"key": order.key})
            order.accepted(done["id"])
"""
OURS = "# ours\n" + PLAN.replace("search-and-buy: 1.0", "look: 0.5, buy: 0.5")
ANSWERS = {"/api": (200, {"sku": "tee"}), "/order": (201, {"id": "o1"}), "/old": (500, {})}


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop(dict(ANSWERS)) as one:
        yield one


@pytest.fixture
def folder(tmp_path: Path, shop: FakeShop, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOP_TOKEN", "a-token-of-the-shop")
    write(tmp_path, shop.url)
    return tmp_path


def write(folder: Path, url: str, mine: str = MINE, **changed: Any) -> None:
    gone = dict.fromkeys(("release_probe", "traces", "shop_records", "token_env"))
    given = targets(url, **{**gone, "storefront": {"file": "mine.py"}, **changed})
    (folder / "targets.yaml").write_text(given)
    (folder / "mine.py").write_text(mine)
    (folder / "plan.yaml").write_text(OURS)


def tried(peakproof: Command, *arguments: str) -> Ended:
    return peakproof("try", "--on", "staging", "--step-timeout", "2", *arguments)


def asked_of(shop: FakeShop) -> list[str]:
    """Return what the journeys asked for; the check that the shop is there asks for more."""
    return [path for path, _, _ in shop.asked if path in ANSWERS]


def try_folder(folder: Path) -> Path:
    (one,) = (folder / "tries").iterdir()
    return one


def test_every_journey_is_shown_counted_and_written_into_the_plan(folder: Path, peakproof: Command) -> None:
    ended = tried(peakproof, "plan.yaml", "--times", "1")
    assert (ended.code, ended.err) == (0, "")
    assert "\nlook\n  home " in ended.out
    assert "    order accepted: o1\n  visits: checkout 1; orders 1\n" in ended.out
    assert "plan.yaml: visits of look, buy written\n" in ended.out
    text = (folder / "plan.yaml").read_text()
    block = "visits:\n  look: {steps: {home: 1}}\n  buy: {steps: {checkout: 1}, orders: 1}\n"
    assert text.replace(block, "") == OURS
    assert read_plan(folder / "plan.yaml").visits["buy"].orders == 1


def test_a_plan_that_asks_for_more_than_the_ceiling_is_said_as_soon_as_that_is_known(
    folder: Path, peakproof: Command, shop: FakeShop
) -> None:
    write(folder, shop.url, ceiling={"requests_per_s": 10, "open_sessions": 5, "orders": 1000})
    ended = tried(peakproof, "plan.yaml", "--times", "1")
    why = "plays up to 20 requests a second; the environment's ceiling.requests_per_s is 10"
    assert (ended.code, f"plan.yaml: {why}\n" in ended.out) == (0, True)


def test_its_orders_are_said_tagged_and_in_a_ledger_that_can_be_audited(
    folder: Path, peakproof: Command, shop: FakeShop
) -> None:
    ended = tried(peakproof, "--journey", "buy")
    name = try_folder(folder).name
    assert f"\norders: 1 attempted, 1 accepted, with the header X-Peakproof-Run: {name}\n" in ended.out
    assert "audit them with" not in ended.out
    run = json.loads((folder / "tries" / name / "run.json").read_text())
    assert (run["ended"], run["orders"]["accepted"], run["workers"][0]["ledger_rows_received"]) == ("completed", 1, 2)
    audited = peakproof("audit", f"tries/{name}")
    assert audited.out == "nothing to audit: the environment declares no orders, payments or stock\n"
    assert (folder / "plan.yaml").read_text() == OURS
    assert asked_of(shop) == ["/order"]


def test_what_can_be_audited_of_its_orders_is_said(folder: Path, peakproof: Command, shop: FakeShop) -> None:
    write(folder, shop.url, shop_records=record_pages(orders=f"{shop.url}/orders"))
    ended = tried(peakproof, "--journey", "buy")
    assert f"audit them with: peakproof audit tries/{try_folder(folder).name}\n" in ended.out


def test_a_try_is_never_a_pass(folder: Path, peakproof: Command) -> None:
    tried(peakproof, "--journey", "look")
    (try_folder(folder) / "objectives" / "one.yaml").write_text(slo("looks", "{steps: [home]}", "{steps: [home]}"))
    assert peakproof("judge", str(try_folder(folder))).code in (2, 75)


def test_for_programs_there_is_a_line_of_json_each(folder: Path, peakproof: Command) -> None:
    ended = tried(peakproof, "--journey", "look", "--json")
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["kind"] for line in lines] == ["session", "step", "ended", "journey", "tried"]
    assert lines[-1]["visits"] == {"look": {"steps": {"home": 1.0}, "orders": 0.0}}
    assert lines[-1]["directory"] == str(try_folder(folder))


@pytest.mark.usefixtures("folder")
def test_a_shop_that_fails_is_75_and_its_journey_stays_uncounted(peakproof: Command, shop: FakeShop) -> None:
    shop.answers["/order"] = (500, {"error": "no"})
    ended = tried(peakproof, "plan.yaml", "--times", "1")
    assert ended.code == 75
    assert "  FAILED: checkout: http_5xx\n    mine.py:12, in buy\n" in ended.out
    assert '    reply:   HTTP 500, http_5xx, 15 bytes\n      | {"error": "no"}\n' in ended.out
    assert "plan.yaml: visits of look written\nplan.yaml: the visits of buy are still missing\n" in ended.out


def test_a_file_that_raises_is_2_and_the_other_journeys_are_played(
    folder: Path, peakproof: Command, shop: FakeShop
) -> None:
    write(folder, shop.url, MINE.replace('        self.get("home", "/api")', '        raise RuntimeError("no")'))
    ended = tried(peakproof)
    assert (ended.code, ended.err) == (2, "peakproof: mine: look: RuntimeError: no\n")
    assert '    mine.py:7, in look\n        raise RuntimeError("no")\n' in ended.out
    assert "  buy: checkout 1; orders 1\n" in ended.out


def test_code_that_never_yields_is_named_and_the_other_journeys_are_played(
    folder: Path, peakproof: Command, shop: FakeShop
) -> None:
    write(folder, shop.url, MINE.replace('        self.get("home", "/api")', "        while True: pass"))
    ended = tried(peakproof)
    why = "the storefront's code has asked for nothing for 2 s, and never yields"
    assert (ended.code, ended.err) == (2, f"peakproof: mine: look: {why}\n")
    assert f"  FAILED: {why}\n    mine.py:7, in look\n        while True: pass\n" in ended.out
    assert "  buy: checkout 1; orders 1\n" in ended.out


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("@journey(buys=True)", "@journey"), "mine: the journey buy places orders; mark it @journey(buys=True)"),
        (
            ("    @journey\n    def look", "    @journey(buys=True)\n    def look"),
            "mine: the journey look is marked buys=True and placed no order",
        ),
    ],
)
def test_a_journey_that_is_marked_wrong_is_named(
    folder: Path, peakproof: Command, shop: FakeShop, change: tuple[str, str], why: str
) -> None:
    write(folder, shop.url, MINE.replace(*change))
    ended = tried(peakproof)
    assert (ended.code, ended.err) == (2, f"peakproof: {why}\n")


def test_a_journey_that_the_storefront_does_not_have_is_named_before_any_request(
    folder: Path, peakproof: Command, shop: FakeShop
) -> None:
    (folder / "plan.yaml").write_text(OURS.replace("look: 0.5", "gaze: 0.5"))
    ended = tried(peakproof, "plan.yaml")
    assert (ended.code, ended.err) == (
        2,
        "peakproof: plan.yaml: journeys: mine has no journey gaze; it has look, buy\n",
    )
    ended = tried(peakproof, "--journey", "stare")
    assert (ended.code, ended.err) == (2, "peakproof: --journey: mine has no journey stare; it has look, buy\n")
    assert (shop.asked, (folder / "tries").exists()) == ([], False)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"production": True}, "staging is production: it is loaded only with a permission"),
        ({"idle": {"max_requests_per_s": 1}}, "idle is measured from the shop's metrics, and none are declared"),
        ({"kill_url": "http://127.0.0.1:9/kill"}, "the kill URL"),
    ],
)
def test_it_has_the_guard_rails_of_a_run(
    folder: Path, peakproof: Command, shop: FakeShop, changed: dict[str, Any], why: str
) -> None:
    write(folder, shop.url, **changed)
    ended = tried(peakproof)
    assert ended.code == 75
    assert why in ended.err
    assert asked_of(shop) == []


def test_it_waits_for_nobody_s_lease(folder: Path, peakproof: Command, shop: FakeShop) -> None:
    place = Place(folder=folder / "leases", environment="staging", base_url=shop.url)
    with held(place, print):
        ended = tried(peakproof)
    assert ended.code == 75
    assert f"another run (pid {os.getpid()}" in ended.err or "lease" in ended.err
    assert shop.asked == []


def test_an_order_over_the_ceiling_is_not_sent(folder: Path, peakproof: Command, shop: FakeShop) -> None:
    write(folder, shop.url, ceiling={"requests_per_s": 500, "open_sessions": 5, "orders": 0})
    ended = tried(peakproof, "--journey", "buy")
    assert ended.code == 75
    assert "  FAILED: ceiling_orders: the environment's ceiling allows no more\n" in ended.out
    assert asked_of(shop) == []


def test_a_shop_that_is_not_there_is_75(folder: Path, peakproof: Command) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    write(folder, url)
    ended = tried(peakproof, "--journey", "look")
    why = "can't be connected to: Connection refused; start it, or correct the address"
    assert (ended.code, ended.out, ended.err) == (75, "", f"peakproof: base_url: {url} {why}\n")
