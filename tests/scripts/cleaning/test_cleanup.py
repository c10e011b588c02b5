"""`peakproof cleanup` removes what is the run's, says what became of it, and proves what is left; nothing else's."""

import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.results.inputs import hash_inputs
from loadtests.results.run_directory import RunDirectory, write_json
from loadtests.shopper.customers import new_customer
from tests.bad_input.process import running
from tests.scripts.cleaning.shop import KEY, KeepingShop, keeping_shop
from tests.scripts.made_run import START
from tests.scripts.world import Command, targets
from tests.waiting import wait_for

BUYER = 1  # the session of the second order: a new customer
CLEANUP = """\
from peakproof import Shop, cleanup

GONE = {"gone": 404}


class Mine(Shop):
    def headers(self):
        return {"Authorization": "Bearer " + self.settings["key"]}

    @cleanup("account")
    def forget(self, account):
        self.delete("forget", "/accounts/" + self.account.user.partition("@")[0], refused=GONE)

    @cleanup("order")
    def cancel(self, order):
        self.post("cancel", f"/cancel/{order.id}", refused=GONE)["id"]
"""


@pytest.fixture
def shop() -> Iterator[KeepingShop]:
    with keeping_shop() as shop:
        yield shop


@pytest.fixture
def run(
    made_runs: dict[str, Path], peakproof: Command, shop: KeepingShop, monkeypatch: pytest.MonkeyPatch
) -> RunDirectory:
    """Return an audited run of two orders and one new customer, all of which the shop holds."""
    monkeypatch.setenv("SHOP_TOKEN", KEY)
    monkeypatch.setenv("ADMIN_KEY", KEY)
    directory = RunDirectory(path=Path(shutil.copytree(made_runs["PASS"], peakproof.folder / "run")))
    declare(peakproof.folder, directory, shop)
    rows = directory.ledger("w0").read_text().splitlines()[:4]
    created = {"event": "created", "at": START, "session": BUYER, "kind": "account", "id": None}
    directory.ledger("w0").write_text("".join(f"{row}\n" for row in (*rows, json.dumps(created))))
    document = json.loads(directory.run.read_text())
    document["workers"][0]["ledger_rows_expected"] = 5
    write_json(directory.run, {**document, "inputs": hash_inputs(directory)})
    stock = [{"sku": "tee-M-black", "location": "warehouse", "quantity": 10}]
    write_json(directory.stock_before, {"format": "peakproof/stock/v1", "taken_at": START, "stock": stock})
    for number in range(2):
        shop.place(number)
    shop.accounts.add(new_customer("run", BUYER)[0].partition("@")[0])
    return directory


def declare(folder: Path, run: RunDirectory, shop: KeepingShop, text: str = CLEANUP, **changed: Any) -> None:
    """Write targets.yaml and the file of cleanups; the run was played on what it says."""
    (folder / "cleanup.py").write_text(text)
    own = {"file": "cleanup.py", "settings": {"key": {"env": "ADMIN_KEY"}}, "requests_per_s": 50}
    (folder / "targets.yaml").write_text(targets(shop.url, **{"cleanup": own, **changed}))
    run.targets.write_text(targets(shop.url, **changed))


def lines_of(ended: Any) -> list[str]:
    lines: list[str] = ended.out.splitlines()
    return lines[1:]


def test_a_dry_run_lists_what_there_is_and_asks_the_shop_for_nothing_else(
    run: RunDirectory, peakproof: Command, shop: KeepingShop
) -> None:
    ended = peakproof("cleanup", "run", "--dry-run")
    assert (ended.code, ended.err, shop.asked) == (99, "", [])
    assert lines_of(ended) == [
        "to remove: 2 orders",
        "  order o0 (accepted)",
        "  order o1 (accepted)",
        "to remove: 1 account",
        "  account of session 1",
        "a dry run: nothing was removed",
        "LEFT: 2 orders",
        "  order o0 is accepted",
        "  order o1 is accepted",
        "LEFT: 2 payments",
        "  order o0: 9 cents were taken and not refunded",
        "  order o1: 9 cents were taken and not refunded",
        "LEFT: 1 stock level",
        "  warehouse: tee-M-black is 2 below what it was before the run",
        "LEFT: 1 account",
        "  account of session 1",
    ]
    assert not run.cleanup.exists()


def test_a_kind_without_a_method_is_listed_and_left(run: RunDirectory, peakproof: Command, shop: KeepingShop) -> None:
    declare(peakproof.folder, run, shop, CLEANUP.replace('@cleanup("account")', "# by hand"))
    ended = peakproof("cleanup", "run", "--dry-run")
    assert 'not known how: 1 account: cleanup marks no method @cleanup("account")' in lines_of(ended)
    assert "LEFT: 1 account" in lines_of(ended)


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("base_url", "http://127.0.0.1:9", "base_url"),
        ("hosts", {"pay": {"url": "http://127.0.0.1:9"}}, "hosts.pay.url"),
    ],
)
def test_a_run_of_another_environment_is_refused(
    key: str, value: object, place: str, run: RunDirectory, peakproof: Command, shop: KeepingShop
) -> None:
    run.targets.write_text(targets(shop.url, **{key: value}))
    ended = peakproof("cleanup", "run")
    assert (ended.code, shop.asked) == (2, [])
    found = shop.url if key == "base_url" else "none"
    assert ended.err == (
        f"peakproof: targets.yaml: environments.staging.{place}: the run run was played on http://127.0.0.1:9, found"
        f" {found}: a cleanup goes only to the environment of its run\n"
    )


def test_code_that_lies_in_the_run_directory_is_not_run(
    run: RunDirectory, peakproof: Command, shop: KeepingShop
) -> None:
    (run.path / "evil.py").write_text("raise SystemExit('was run')")
    declare(peakproof.folder, run, shop, cleanup={"file": "run/evil.py"})
    ended = peakproof("cleanup", "run")
    assert ended.code == 2
    assert ended.err.endswith(
        "run/evil.py: lies in the run directory, from which no code is run; look at it and copy it out\n"
    )


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"production": True}, "staging is production: nothing is removed there; list it with --dry-run"),
        ({"kill_url": "http://127.0.0.1:9/kill"}, "the kill URL http://127.0.0.1:9/kill"),
    ],
)
def test_the_guard_rails_of_a_run_are_those_of_a_cleanup(
    changed: dict[str, Any], why: str, run: RunDirectory, peakproof: Command, shop: KeepingShop
) -> None:
    declare(peakproof.folder, run, shop, **changed)
    ended = peakproof("cleanup", "run")
    assert (ended.code, shop.asked) == (75, [])
    assert why in ended.err


def test_a_run_that_was_not_audited_is_not_cleaned_up(run: RunDirectory, peakproof: Command, shop: KeepingShop) -> None:
    run.audit.unlink()
    ended = peakproof("cleanup", "run")
    assert (ended.code, shop.asked) == (75, [])
    assert ended.err == (
        "peakproof: the run isn't audited, and can't be once its orders are removed: first run `peakproof audit run`,"
        " or say --unaudited\n"
    )


@pytest.mark.usefixtures("run")
def test_where_the_shop_s_records_can_not_be_read_nothing_is_removed(peakproof: Command, shop: KeepingShop) -> None:
    shop.trouble["/admin/orders"] = [503]
    ended = peakproof("cleanup", "run")
    assert (ended.code, shop.asked) == (75, [])
    assert ended.err == (
        "peakproof: the shop's records of its orders are unreachable: HTTP 503: whose an order is isn't known, so"
        " nothing was removed\n"
    )


def test_a_lost_ledger_leaves_the_proof_open(run: RunDirectory, peakproof: Command, shop: KeepingShop) -> None:
    document = json.loads(run.run.read_text())
    document["workers"][0] |= {"ledger_rows_expected": 6}
    write_json(run.run, document)
    run.ledger("w0").write_text("")
    shop.orders, shop.money, shop.stock = {}, {}, 10
    ended = peakproof("cleanup", "run")
    assert ended.code == 75
    assert "  ledger rows of w0 may be missing: what it created may not be known" in lines_of(ended)
    assert lines_of(ended)[-1] == "nothing of the run is known to be left, and that isn't proven"


@pytest.mark.heavy
class TestRemoving:
    """Each of these starts the process that removes things."""

    def test_everything_is_removed_orders_first_and_proven_and_once(
        self, run: RunDirectory, peakproof: Command, shop: KeepingShop
    ) -> None:
        shop.place(2, "other")
        shop.place(3, None)
        ended = peakproof("cleanup", "run")
        assert (ended.code, ended.err) == (0, ""), ended.out
        assert lines_of(ended) == [
            "to remove: 2 orders",
            "to remove: 1 account",
            "removed: 2 orders, 1 account",
            "asking once more for 1 that no shop records tell of",
            "shown: no order of the run is active: 2 ended",
            "shown: all 2 payments of the run's orders went back",
            "shown: all 1 levels of the stock are what they were before the run",
            "shown: 1 account: asked again, the shop has none of them",
            "everything that the run created is gone",
        ]
        assert sorted(shop.asked[:2]) == ["POST /cancel/o0", "POST /cancel/o1"]
        assert [one.split("/")[1] for one in shop.asked[2:]] == ["accounts"] * 2
        assert [shop.orders[f"o{number}"]["status"] for number in (2, 3)] == ["accepted", "accepted"]
        assert (shop.runs, shop.accounts) == ({"run"}, set())

        again = peakproof("cleanup", "run")
        assert (again.code, len(shop.asked)) == (0, 4)
        assert "gone already: 2 orders" in lines_of(again)
        audited = peakproof("audit", "run")
        assert audited.code == 75
        assert "what the run created was removed: the shop doesn't show any more what it did" in audited.err
        assert KEY not in run.cleanup.read_text() + ended.out

    @pytest.mark.usefixtures("run")
    def test_what_fails_is_tried_again_and_named_and_the_next_start_goes_on(
        self, peakproof: Command, shop: KeepingShop
    ) -> None:
        shop.trouble = {"/cancel/o0": [500], "/cancel/o1": [403, 500, 500, 500]}
        ended = peakproof("cleanup", "run")
        assert ended.code == 99
        lines = lines_of(ended)
        assert "removed: 1 order" in lines
        assert '  order o1 (accepted): cancel: http_4xx: HTTP 403: {"error": "trouble, ***"}' in lines
        assert "LEFT: 1 order" in lines
        assert "LEFT: 1 account" in lines
        assert shop.asked.count("POST /cancel/o0") == 2
        assert shop.asked.count("POST /cancel/o1") == 1

        later = peakproof("cleanup", "run")
        assert later.code == 99
        assert any(line.startswith("  order o1 (accepted): cancel: http_5xx: HTTP 500") for line in lines_of(later))
        assert shop.asked.count("POST /cancel/o1") == 4
        assert peakproof("cleanup", "run").code == 0
        assert shop.asked.count("POST /cancel/o0") == 2

    @pytest.mark.usefixtures("run")
    def test_an_order_that_the_shop_gives_to_another_run_is_left_and_listed(
        self, peakproof: Command, shop: KeepingShop
    ) -> None:
        shop.orders["o1"]["run"] = "other"
        ended = peakproof("cleanup", "run")
        assert ended.code == 75
        assert "  order o1: the ledger has it, and the shop's records say it is of the run other" in lines_of(ended)
        assert "POST /cancel/o1" not in shop.asked
        assert shop.orders["o1"]["status"] == "accepted"

    def test_a_shop_that_only_says_that_it_removed_something_is_caught(
        self, run: RunDirectory, peakproof: Command, shop: KeepingShop
    ) -> None:
        path = "/accounts/" + new_customer("run", BUYER)[0].partition("@")[0]
        shop.trouble = {"/cancel/o0": [200], path: [200, 200]}
        declare(peakproof.folder, run, shop, CLEANUP.replace('["id"]', ""))
        ended = peakproof("cleanup", "run")
        assert ended.code == 99
        lines = lines_of(ended)
        assert "removed: 2 orders, 1 account" in lines
        assert "  order o0 is accepted" in lines
        said = "account of session 1: the shop said that it removed it, and asked once more it said so again"
        assert f"  {said}" in lines

    @pytest.mark.usefixtures("run")
    def test_orders_that_the_records_call_otherwise_are_not_gone_because_an_account_is(
        self, peakproof: Command, shop: KeepingShop
    ) -> None:
        placed = [{**order, "order_id": f"x-{name}", "key": None, "run": None} for name, order in shop.orders.items()]
        shop.orders = {order["order_id"]: order for order in placed}
        shop.money = dict.fromkeys(shop.orders, "captured")
        ended = peakproof("cleanup", "run")
        assert (ended.code, "removed: 1 account" in lines_of(ended)) == (75, True), ended.out
        assert any(line.startswith("  none of the 2 orders that were acknowledged is in") for line in lines_of(ended))

    @pytest.mark.parametrize(
        ("was", "then", "why"),
        [
            ("order.id", "order.number", "cleanup.py:16: AttributeError: 'Created' object has no attribute 'number'"),
            (
                "    def headers",
                '    def begin(self):\n        self.post("login", "/nowhere", refused=GONE)\n\n    def headers',
                "the shop refused: gone",
            ),
        ],
    )
    def test_a_mistake_of_the_file_removes_nothing_and_is_shown(
        self, run: RunDirectory, peakproof: Command, shop: KeepingShop, was: str, then: str, why: str
    ) -> None:
        declare(peakproof.folder, run, shop, CLEANUP.replace(was, then))
        ended = peakproof("cleanup", "run")
        assert ended.code == 99
        assert f"  order o0 (accepted): {why}" in lines_of(ended)
        assert shop.orders["o0"]["status"] == "accepted"

    def test_without_records_an_order_is_removed_and_nothing_is_proven(
        self, run: RunDirectory, peakproof: Command, shop: KeepingShop
    ) -> None:
        declare(peakproof.folder, run, shop, shop_records=None)
        ended = peakproof("cleanup", "run")
        assert ended.code == 75
        assert "removed: 2 orders, 1 account" in lines_of(ended)
        assert "  orders: the environment declares no records of them: shop_records" in lines_of(ended)
        assert [one["status"] for one in shop.orders.values()] == ["cancelled"] * 2

    @pytest.mark.usefixtures("run")
    def test_a_shop_that_removes_nothing_is_left_alone_after_ten_in_a_row(
        self, peakproof: Command, shop: KeepingShop
    ) -> None:
        for number in range(2, 40):
            shop.place(number)
        shop.trouble = {f"/cancel/o{number}": [403] for number in range(40)}
        ended = peakproof("cleanup", "run")
        assert ended.code == 99
        assert 10 <= len(shop.asked) <= 12
        stopped = "the cleanup was ended: 10 things in a row couldn't be removed; go on with the same command"
        assert stopped in lines_of(ended)

    @pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
    @pytest.mark.usefixtures("run")
    def test_one_that_was_ended_in_the_middle_goes_on_where_it_was(
        self, how: signal.Signals, peakproof: Command, shop: KeepingShop
    ) -> None:
        for number in range(2, 12):
            shop.place(number)
        shop.delay_s = 0.3
        told = {"SHOP_TOKEN": KEY, "ADMIN_KEY": KEY}
        with running(peakproof.folder, "cleanup", "run", **told) as cleanup:
            wait_for(lambda: len(shop.asked) > 3, "some orders were asked for")
            cleanup.process.send_signal(how)
            code = cleanup.process.wait(timeout=20)
        assert code == (75 if how is signal.SIGINT else -9)
        done = sum(one["status"] == "cancelled" for one in shop.orders.values())
        assert 0 < done < 12
        shop.delay_s = 0
        lease = next((peakproof.folder / "leases").glob("*.json"), None)
        if lease is not None:  # a killed process leaves its own, which runs out by itself
            lease.unlink()
        assert peakproof("cleanup", "run").code == 0
        assert shop.most_under_way <= 2


def test_the_page_of_a_run_that_is_not_whole_shows_no_verdict_after_a_cleanup_either(
    run: RunDirectory, peakproof: Command
) -> None:
    verdict = {"format": "peakproof/verdict/v1", "outcome": "PASS", "exit_code": 0, "headline": "PASS  all is met"}
    write_json(run.verdict, verdict)
    peakproof("cleanup", "run")
    assert "No verdict is shown: its evidence isn&#39;t whole" in run.report.read_text()
