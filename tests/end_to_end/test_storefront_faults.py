"""A storefront that fails or hangs in mid-run ends the run, INCONCLUSIVE, named by file and line; nothing is lost."""

from pathlib import Path

import pytest

from loadtests.results.error_samples import read_samples
from loadtests.results.run_directory import RunDirectory
from tests.bad_input.process import running
from tests.end_to_end.played import RUN_TOKEN, Played, findings, prometheus, shop, told, write_inputs
from tests.loadtests.fake_shop import FakeShop
from tests.ports import free_base

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]
__all__ = ["prometheus", "shop"]

MINE = """\
from peakproof import Shop, journey


class Mine(Shop):
    @journey
    def window_shop(self):
        self.get("home", "/")

    @journey(buys=True)
    def search_and_buy(self):
        page = self.get("home", "/")
        LACKS
        with self.order([self.line("tee")], 900) as order:
            FAULT
            order.accepted("o1")
"""
VISITS = """\
visits:
  window-shop: {steps: {home: 1}}
  search-and-buy: {steps: {home: 1}, orders: 1}
"""


def played_with(folder: Path, shop: FakeShop, prometheus: str, fault: str, workers: int, lacks: str = "pass") -> Played:
    """Play with a fault in the order's block, or with something that the page before it lacks; it ends with 75."""
    write_inputs(folder, shop.url, storefront={"file": "mine.py"})
    with (folder / "plan.yaml").open("a") as plan:
        plan.write(VISITS)
    (folder / "mine.py").write_text(MINE.replace("FAULT", fault).replace("LACKS", lacks))
    command = ("run", "plan.yaml", "--on", "staging", "--workers", str(workers), "--port-base", str(free_base()))
    variables = {"PEAKPROOF_PROMETHEUS": prometheus, "SHOP_TOKEN": "made-up-token", **RUN_TOKEN}
    with running(folder, *command, **variables) as peak:
        assert peak.ended() == 75, peak.told()
    return Played(peak, folder)


@pytest.mark.parametrize(
    ("workers", "fault", "raised"),
    [(1, "page.json['id']", "KeyError: 'id'"), (2, "raise RuntimeError('no')", "RuntimeError: no")],
)
def test_a_mistake_of_the_file_ends_the_run_at_its_first_sessions(
    tmp_path: Path, shop: FakeShop, prometheus: str, workers: int, fault: str, raised: str
) -> None:
    played = played_with(tmp_path, shop, prometheus, fault, workers)
    document = played.document()
    why = f"the storefront fails search-and-buy: mine.py:14: {raised}"
    assert (document["ended"], document["ended_because"]) == ("failed", why)
    account = document["account"]
    assert told(account) == account["planned"]
    assert account["not_due"] > account["planned"] / 2
    assert document["orders"]["unknown"] == document["orders"]["attempted"] == account["failed"] + account["cut_off"]
    assert [worker["lost"] for worker in document["workers"]] == [False] * workers
    (failure,) = document["storefront_failures"]
    assert (failure["place"], failure["count"]) == ("mine.py:14", account["failed"])
    assert f"    {fault}\n{raised}\n" in played.peak.told()
    verdict = played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert f"{why}; mend the storefront's file: peakproof try shows each step" in verdict["headline"]


@pytest.mark.parametrize("workers", [1, 2])
def test_code_that_never_yields_ends_the_run_and_its_orders_are_in_the_ledger(
    tmp_path: Path, shop: FakeShop, prometheus: str, workers: int
) -> None:
    played = played_with(tmp_path, shop, prometheus, "while True: pass", workers)
    document = played.document()
    assert document["ended"] == "failed"
    assert document["ended_because"].endswith(" hung in mine.py:14, search_and_buy: while True: pass")
    account = document["account"]
    assert told(account) == account["planned"]
    assert document["orders"]["attempted"] == document["orders"]["unknown"] >= 1
    verdict = played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert findings(verdict, "ended")[0][0].endswith(document["ended_because"])


def test_a_reply_that_lacks_something_is_judged_and_shown_with_what_was_there(
    tmp_path: Path, shop: FakeShop, prometheus: str
) -> None:
    played = played_with(tmp_path, shop, prometheus, "pass", 1, lacks="page['cart.id']")
    verdict = played.judged()
    assert verdict["outcome"] == "FAIL"
    (note,) = (one["message"] for one in verdict["findings"] if one["kind"] == "cause")
    assert note.startswith("wrong_reply ")
    assert note.endswith(" times; first: cart.id: not there; see report.html#replies")
    samples = read_samples(RunDirectory(path=played.directory))
    assert {(one.step, one.why) for one in samples} == {("home", "cart.id: not there")}
    assert "greeting" in samples[0].body or "recommended" in samples[0].body
