"""The wire between a run and a worker that uploads is cut in mid-run: what was played is accounted for."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from scripts.local_stack.ports import Ports
from tests.end_to_end.played import ALONE, Listing, check_whole, findings, prometheus, shop, write_inputs
from tests.end_to_end.relay import Relay, relaying
from tests.end_to_end.test_uploads import RELAYED_AT, Far, far_worker, master
from tests.loadtests.fake_shop import FakeShop
from tests.waiting import wait_for

__all__ = ["prometheus", "shop"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]

CUT_S = 6  # longer than Locust waits before it misses a worker, shorter than a worker waits before it gives up
HALF_A_PART_NS = 5_000_000_000


class Wired(Far):
    """A run with a worker that reaches it directly, and one, in the last folder, that reaches all of it by a relay."""

    relay: Relay

    def cut(self) -> None:
        """Cut the wire; return when its worker has closed parts and long heard nothing, and the master misses it."""
        at = self.account(1)["at"]
        wait_for(lambda: self.account(1)["at"] - at > HALF_A_PART_NS, "half the time of a part", 30)
        self.relay.hold()
        closed = self.closed()
        wait_for(lambda: self.closed() > closed, "a part that is closed while the wire is cut", 30)
        wait_for(lambda: self.account(1)["master_silent_s"] >= CUT_S, "a silence of its master", 30)
        wait_for(lambda: self.master_says("setting state to missing"), "the master to miss its worker", 30)

    def closed(self) -> int:
        """Return how many parts the worker behind the wire has closed."""
        return len(list(self.folders[1].glob("uploads/*/*.parquet")))

    def master_says(self, words: str) -> bool:
        """Whether the master's log holds `words`."""
        return words in (self.played.directory / "logs" / "locust-master.log").read_text()


@contextmanager
def wired(folder: Path, shop_url: str, prometheus: str, plateau_s: int) -> Iterator[Wired]:
    (folder / "near").mkdir()
    write_inputs(folder / "near", shop_url, plateau_s)
    with ExitStack() as stack:
        played, address = stack.enter_context(master(folder, prometheus))
        recorder = Ports(base=address[1] - Ports(base=0).locust).recorder
        relay = stack.enter_context(relaying(address, (address[0], recorder), at=RELAYED_AT))
        folders = [folder / "far-0", folder / "far-1"]
        workers = [
            stack.enter_context(far_worker(one, at)) for one, at in zip(folders, (address, relay.address), strict=True)
        ]
        run = Wired(played, folders, workers)
        run.relay = relay
        yield run


def check_played_on(run: Wired, before: Listing, name: str) -> int:
    """Check that nothing is missing of a run whose wire was mended, and that it isn't judged as if nothing had been.

    Return how many live changes the run says were lost on the way.
    """
    document = check_whole(run.played, before)
    account = document["account"]
    assert (document["ended"], account["lost"], account["not_due"]) == ("completed", {}, 0)
    assert account["completed"] == account["planned"]
    for one in ("w0", "w1"):
        assert len(run.own(one)) > 4
        assert run.arrived(one) == run.own(one)
    assert [(one["uploaded"], one["lost"]) for one in document["workers"]] == [(True, False)] * 2
    verdict = run.played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    ((message, change),) = findings(verdict, "contact")
    assert message.startswith(f"{name} had no contact with its master for ")
    assert change == "repair the network between the master and its workers, and run again"
    return int(document["live"]["gaps"])


@pytest.mark.parametrize("broke", [False, True], ids=["goes on", "broke"])
def test_after_a_wire_was_still_all_that_was_written_is_there(
    tmp_path: Path, shop: FakeShop, prometheus: str, *, broke: bool
) -> None:
    """What was lost in a connection that broke is sent again; only its live changes are missing, and told."""
    with wired(tmp_path, shop.url, prometheus, 26) as run:
        run.played.wait_for_parts()
        before, name = run.played.listing(), str(run.account(1)["name"])
        connections = run.relay.taken[0]  # to the master: those of uploads are given up sooner
        run.cut()
        if broke:
            run.relay.drop()
        run.relay.go_on()
        wait_for(lambda: run.master_says("self-healed"), "the worker to be back", 20)
        assert run.played.peak.ended() == 75, run.played.peak.told()
        assert [worker.wait(30) for worker in run.workers] == [0, 0]
        assert (run.relay.taken[0] > connections) is broke
    assert (check_played_on(run, before, name) > 0) is broke


def test_of_a_worker_whose_wire_stays_cut_what_did_not_arrive_is_lost_and_told(
    tmp_path: Path, shop: FakeShop, prometheus: str
) -> None:
    with wired(tmp_path, shop.url, prometheus, 36) as run:
        run.played.wait_for_parts()
        before, name = run.played.listing(), str(run.account(1)["name"])
        run.cut()
        assert run.workers[1].wait(60) == 75  # by itself, though nobody could tell it
        assert (run.account(1)["ended"], run.account(1)["because"]) == ("stopped", ALONE)
        assert run.played.peak.ended() == 75, run.played.peak.told()
        assert run.workers[0].wait(30) == 0
    document = check_whole(run.played, before)
    account = document["account"]
    assert (document["ended"], document["ended_because"]) == ("failed", f"{name} was lost in mid-run")
    assert (list(account["lost"]), account["not_due"]) == ([name], 0)
    own, arrived = run.own(name), run.arrived(name)
    assert len(arrived) < len(own)
    for file, data in arrived.items():
        assert own[file] == data if file.endswith(".parquet") else own[file].startswith(data)
    verdict = run.played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert [message for message, _ in findings(verdict, "workers")] == [f"{name} was lost"]
    log = "".join(path.read_text() for path in run.folders[1].glob("uploads/*/logs/*"))
    assert f"the master hasn't got ledger-{name}.jsonl, " in log
