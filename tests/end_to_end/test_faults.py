"""A worker or a master that is killed or away: nothing recorded before is lost, the account adds up, nothing passes."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from loadtests.results.abandoned import ABANDONED
from tests.bad_input.process import descendants, is_alive
from tests.end_to_end.namespace import Elsewhere, elsewhere
from tests.end_to_end.played import ALONE, Played, check_whole, findings, joining, play, prometheus, shop, write_inputs
from tests.loadtests import fake_shop
from tests.loadtests.fake_shop import FakeShop
from tests.waiting import wait_for

__all__ = ["prometheus", "shop"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]


def test_two_workers_that_nothing_disturbs_pass(tmp_path: Path, shop: FakeShop, prometheus: str) -> None:
    """The other tests show something only because this one passes."""
    write_inputs(tmp_path, shop.url, plateau_s=14)
    with play(tmp_path, prometheus) as played:
        played.wait_for_parts()
        before = played.listing()
        assert played.peak.ended() == 0, played.peak.told()
    document = check_whole(played, before)
    assert document["account"]["completed"] == document["account"]["planned"]
    assert played.judged()["outcome"] == "PASS"


def test_a_killed_worker_is_lost_and_the_other_plays_on(tmp_path: Path, shop: FakeShop, prometheus: str) -> None:
    write_inputs(tmp_path, shop.url)
    with play(tmp_path, prometheus) as played:
        played.wait_for_parts()
        before = played.listing()
        os.kill(played.pid_of("w1"), signal.SIGKILL)
        assert played.peak.ended() == 75, played.peak.told()
    document = check_whole(played, before)
    account = document["account"]
    assert (document["ended"], document["ended_because"]) == ("failed", "w1 was lost in mid-run")
    assert [(worker["name"], worker["lost"]) for worker in document["workers"]] == [("w0", False), ("w1", True)]
    assert (list(account["lost"]), account["cut_off"], account["not_due"]) == (["w1"], 0, 0)
    assert account["completed"] > account["planned"] // 2
    verdict = played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert findings(verdict, "workers") == [
        ("w1 was lost", "see its log; give it memory, or use fewer sessions a worker")
    ]


def test_a_killed_master_ends_the_run_with_all_that_its_workers_recorded(
    tmp_path: Path, shop: FakeShop, prometheus: str
) -> None:
    write_inputs(tmp_path, shop.url)
    with play(tmp_path, prometheus) as played:
        played.wait_for_parts()
        before = played.listing()
        children = descendants(played.peak.process.pid)
        (master,) = played.peak.below("locustfile.py", "--master-bind-host")
        os.kill(master, signal.SIGKILL)
        assert played.peak.ended() == 75, played.peak.told()
        assert not [pid for pid in children if is_alive(pid)]
    document = check_whole(played, before)
    assert document["ended"] == "failed"
    assert document["ended_because"].startswith("locust-master ended with -9: ")
    assert document["account"]["lost"] == {}
    assert document["account"]["not_due"] > 0
    verdict = played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    ((message, change),) = findings(verdict, "ended")
    assert message.startswith("the run was not completed, it failed: locust-master ended with -9: ")
    assert change == "run it to its end"


def test_when_the_command_is_killed_its_workers_end_and_the_run_is_accounted_for_later(
    tmp_path: Path, shop: FakeShop, prometheus: str
) -> None:
    write_inputs(tmp_path, shop.url)
    with play(tmp_path, prometheus) as played:
        played.wait_for_parts()
        before = played.listing()
        children = descendants(played.peak.process.pid)
        played.peak.process.kill()
        played.peak.process.wait()
        wait_for(lambda: not [pid for pid in children if is_alive(pid)], "the end of all children", 30)
    assert played.document()["ended"] is None
    verdict = played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    document = check_whole(played, before)
    assert (document["ended"], document["ended_because"]) == ("failed", ABANDONED)
    assert document["account"]["lost"] == {}
    assert document["account"]["completed"] > 0
    assert [worker["lost"] for worker in document["workers"]] == [False, False]


def test_a_worker_paused_for_10_s_plays_late_what_came_due_and_the_run_says_why_it_does_not_count(
    tmp_path: Path, shop: FakeShop, prometheus: str
) -> None:
    write_inputs(tmp_path, shop.url)
    with play(tmp_path, prometheus) as played:
        played.wait_for_parts()
        before = played.listing()
        pid = played.pid_of("w1")
        os.kill(pid, signal.SIGSTOP)
        at = played.live()["at"]
        wait_for(lambda: played.live()["at"] - at > 10_000_000_000, "10 s of the others' run")
        log = (played.directory / "logs" / "locust-master.log").read_text()
        assert "setting state to missing" in log
        os.kill(pid, signal.SIGCONT)
        assert played.peak.ended() == 75, played.peak.told()
    document = check_whole(played, before)
    account = document["account"]
    assert document["ended"] == "completed"
    assert (account["lost"], account["not_due"], account["cut_off"]) == ({}, 0, 0)
    assert account["completed"] == account["planned"]
    assert [worker["lost"] for worker in document["workers"]] == [False, False]
    assert document["scheduling_lag_s"]["max"] > 5
    assert document["hub_stall_s"]["max"] > 5
    verdict = played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert [change for _, change in findings(verdict, "load")] == ["add workers, or raise limits.open_sessions"]
    ((message, change),) = findings(verdict, "stalls")
    assert message.startswith("the generator's event loop stalled for ")
    assert change == "give the generator a machine, or a core, of its own"


class Apart:
    """A run with one worker here and one elsewhere, under way."""

    def __init__(
        self, played: Played, other: Elsewhere, here: subprocess.Popen[bytes], away: subprocess.Popen[bytes]
    ) -> None:
        self.played, self.other, self.here, self.away = played, other, here, away

    def name_of_the_one_away(self) -> str:
        """Return the name of the worker that is elsewhere."""
        below = descendants(self.away.pid)
        (name,) = [name for name in ("w0", "w1") if self.played.pid_of(name) in below]
        return name

    def master_says(self, words: str) -> bool:
        """Whether the master's log holds `words`."""
        return words in (self.played.directory / "logs" / "locust-master.log").read_text()


@contextmanager
def apart(folder: Path, prometheus: str, plateau_s: int) -> Iterator[Apart]:
    with ExitStack() as stack:
        other = stack.enter_context(elsewhere())
        shop = stack.enter_context(fake_shop.running(host=other.shop))
        effects = dict.fromkeys(("mail", "tax", "erp", "analytics", "payments"), "off")
        write_inputs(folder, shop.url, plateau_s, side_effects=effects)
        at = other.master
        played = stack.enter_context(play(folder, prometheus, PEAKPROOF_BIND=at, PEAKPROOF_REACHED_AS=at))
        here = stack.enter_context(joining(folder))
        away = stack.enter_context(joining(folder, other.command()))
        yield Apart(played, other, here, away)


def test_a_worker_that_was_cut_off_and_is_back_plays_on_and_the_run_says_why_it_does_not_count(
    tmp_path: Path, prometheus: str
) -> None:
    with apart(tmp_path, prometheus, 30) as run:
        run.played.wait_for_parts()
        before, name = run.played.listing(), run.name_of_the_one_away()
        run.other.cut()
        wait_for(lambda: run.master_says("setting state to missing"), "the master to miss its worker")
        run.other.mend()
        wait_for(lambda: run.master_says("self-healed"), "the worker to be back", 20)
        assert run.played.peak.ended() == 75, run.played.peak.told()
        assert [run.here.wait(30), run.away.wait(30)] == [0, 0]
    document = check_whole(run.played, before)
    account = document["account"]
    assert (document["ended"], account["lost"], account["not_due"]) == ("completed", {}, 0)
    assert account["completed"] == account["planned"]
    assert [worker["lost"] for worker in document["workers"]] == [False, False]
    verdict = run.played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    ((message, change),) = findings(verdict, "contact")
    assert message.startswith(f"{name} had no contact with its master for ")
    assert change == "repair the network between the master and its workers, and run again"


def test_a_worker_that_is_cut_off_for_good_stops_by_itself_and_the_other_plays_on(
    tmp_path: Path, prometheus: str
) -> None:
    with apart(tmp_path, prometheus, 40) as run:
        run.played.wait_for_parts()
        before, name = run.played.listing(), run.name_of_the_one_away()
        run.other.cut()
        assert run.away.wait(40) == 75  # long before the plan's end, though nobody could tell it
        assert run.played.peak.process.poll() is None
        told = run.played.worker(name)
        assert (told["ended"], told["because"]) == ("stopped", ALONE)
        assert run.played.peak.ended() == 75, run.played.peak.told()
        assert run.here.wait(30) == 0
    document = check_whole(run.played, before)
    account = document["account"]
    assert (document["ended"], document["ended_because"]) == ("stopped", ALONE)
    assert (account["lost"], account["not_due"] > 0) == ({}, True)
    assert [worker["lost"] for worker in document["workers"]] == [False, False]
    verdict = run.played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert findings(verdict, "ended") == [(f"the run was not completed, it was stopped: {ALONE}", "run it to its end")]
    assert [message for message, _ in findings(verdict, "contact")] == [
        f"{name} had no contact with its master for 15 s: it couldn't have been stopped"
    ]


def test_when_the_master_is_killed_workers_elsewhere_are_heard_to_the_end(tmp_path: Path, prometheus: str) -> None:
    with apart(tmp_path, prometheus, 30) as run:
        run.played.wait_for_parts()
        before = run.played.listing()
        (master,) = run.played.peak.below("locustfile.py", "--master-bind-host")
        os.kill(master, signal.SIGKILL)
        assert run.played.peak.ended() == 75, run.played.peak.told()
        assert [run.here.wait(30), run.away.wait(30)] == [75, 75]
    document = check_whole(run.played, before)
    assert document["ended_because"].startswith("locust-master ended with -9: ")
    assert (document["account"]["lost"], document["account"]["not_due"] > 0) == ({}, True)
    assert [worker["lost"] for worker in document["workers"]] == [False, False]
    assert run.played.judged()["outcome"] == "INCONCLUSIVE"
