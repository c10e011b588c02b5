"""A worker or a master that is killed or away: nothing recorded before is lost, the account adds up, nothing passes."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from loadtests.ledger import read_ledgers
from scripts.local_stack.prometheus_binary import find_prometheus
from scripts.refusals import EnvironmentLacks
from scripts.running.ending import ABANDONED
from tests.bad_input.process import COMMAND, Running, descendants, is_alive, peakproof, running, started
from tests.end_to_end.namespace import Elsewhere, elsewhere
from tests.loadtests import fake_shop
from tests.loadtests.fake_shop import FakeShop
from tests.scripts.world import free_base, slo
from tests.waiting import wait_for

RUN_TOKEN = {"PEAKPROOF_RUN_TOKEN": "canary-of-the-run"}
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]

PLAN = """\
format: peakproof/plan/v1
name: faulty
seed: 7
demand: {source: a test, forecast_orders_per_hour: 36000, factor: 1.0, orders_per_session: 1.0,
  peak_sessions_per_s: 10}
phases:
  - {name: warm-up, kind: warm-up, plays_s: 2, level: [1, 1]}
  - {name: plateau, kind: plateau, plays_s: PLATEAU, level: [1, 1]}
  - {name: drain, kind: drain, plays_s: 4}
journeys: {search-and-buy: 0.8, window-shop: 0.2}
think_time: {median_s: 0.2, sigma: 0.3, max_s: 1}
cart_lines: {min: 1, max: 3}
trace_sampling: 0.0
limits: {open_sessions: 400}
design_effect_prior: 2.0
"""
# So loose that an undisturbed run passes: whatever doesn't pass below, the fault has spoilt.
OBJECTIVES = slo("home-answers", "{steps: [home]}", "{steps: [home]}", target=0.5)
PARTS = ("requests", "sessions")
ALONE = "nothing was heard of the master for 15 s; mend the network between it and its workers"


@pytest.fixture(scope="module")
def prometheus() -> str:
    try:
        return str(find_prometheus(os.environ, print))
    except EnvironmentLacks as error:
        pytest.skip(str(error))


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop.running() as one:
        yield one


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What lay in a run directory at one moment: rows by closed part, and the whole lines of each ledger."""

    rows: Mapping[str, int] = field(default_factory=dict)
    ledgers: Mapping[str, list[str]] = field(default_factory=dict)


class Played:
    """A run of the plan that is under way, or over."""

    def __init__(self, peak: Running, folder: Path) -> None:
        self.peak, self.folder = peak, folder

    @property
    def directory(self) -> Path:
        (run,) = (self.folder / "runs").glob("*-faulty-*")
        return run

    def live(self) -> Mapping[str, Any]:
        """Return the live snapshot, empty before there is one."""
        try:
            read: dict[str, Any] = json.loads(next((self.folder / "runs").glob("*/live.json")).read_text())
        except (OSError, StopIteration):
            return {}
        return read

    def worker(self, name: str) -> Mapping[str, Any]:
        """Return what a worker last said of itself."""
        read: dict[str, Any] = json.loads((self.directory / f"worker-{name}.json").read_text())
        return read

    def pid_of(self, name: str) -> int:
        """Return the process of a worker."""
        return int(self.worker(name)["pid"])

    def wait_for_parts(self) -> None:
        """Wait until each of the two workers has closed parts of both kinds and its ledger has begun."""
        wanted = [(kind, worker) for kind in PARTS for worker in ("w0", "w1")]

        def there() -> bool:
            assert self.peak.process.poll() is None, self.peak.told()
            return all(list((self.folder / "runs").glob(f"*/{kind}-{worker}-*.parquet")) for kind, worker in wanted)

        wait_for(there, "closed parts of both workers")

    def listing(self) -> Listing:
        """Take down what is recorded now."""
        return Listing(
            rows={
                path.name: pq.read_metadata(path).num_rows
                for kind in PARTS
                for path in sorted(self.directory.glob(f"{kind}-*.parquet"))
            },
            ledgers={path.name: _whole_lines(path) for path in sorted(self.directory.glob("ledger-*.jsonl"))},
        )

    def document(self) -> Mapping[str, Any]:
        """Return run.json."""
        read: dict[str, Any] = json.loads((self.directory / "run.json").read_text())
        return read

    def judged(self) -> Mapping[str, Any]:
        """Judge the run; return the verdict."""
        code = peakproof(self.folder, "judge", "latest").code
        read: dict[str, Any] = json.loads((self.directory / "verdict.json").read_text())
        assert read["exit_code"] == code
        return read


def _whole_lines(path: Path) -> list[str]:
    return path.read_text().rpartition("\n")[0].splitlines()


def write_inputs(folder: Path, shop_url: str, plateau_s: int = 18, **declared: Any) -> None:
    environment = {
        "base_url": shop_url,
        "storefront": "twisted-threads",
        "ceiling": {"requests_per_s": 500, "open_sessions": 2000, "orders": 20000},
        "token_env": "SHOP_TOKEN",
        **declared,
    }
    document = {"format": "peakproof/targets/v1", "environments": {"staging": environment}}
    (folder / "plan.yaml").write_text(PLAN.replace("PLATEAU", str(plateau_s)))
    (folder / "objectives.yaml").write_text(OBJECTIVES)
    (folder / "targets.yaml").write_text(json.dumps(document))


@contextmanager
def play(folder: Path, prometheus: str, **variables: str) -> Iterator[Played]:
    base = str(free_base())
    command = ("run", "plan.yaml", "--on", "staging", "--workers", "2", "--port-base", base)
    told = {"PEAKPROOF_PROMETHEUS": prometheus, "SHOP_TOKEN": "made-up-token", **RUN_TOKEN, **variables}
    with running(folder, *command, **told) as peak:
        yield Played(peak, folder)


def told(account: Mapping[str, Any]) -> int:
    """Return how many arrivals an account tells of."""
    alone = sum(account[name] for name in ("completed", "failed", "cut_off", "not_due"))
    return int(alone + sum(account["dropped"].values()) + sum(account["lost"].values()))


def check_whole(played: Played, before: Listing) -> Mapping[str, Any]:
    """Check that the account adds up, that all is readable, and that what was there before is there; return run.json.

    Every arrival that the account says was recorded is recorded, once; every order that the shop was asked for
    stands in a ledger.
    """
    document, now = played.document(), played.listing()
    account = document["account"]
    assert told(account) == account["planned"]
    for name, rows in before.rows.items():
        assert now.rows[name] == rows, name
    for name, lines in before.ledgers.items():
        assert now.ledgers[name][: len(lines)] == lines, name
    tables = [pq.read_table(path) for path in sorted(played.directory.glob("sessions-*.parquet"))]
    numbers = [number for table in tables for number in table["session"].to_pylist()]
    assert len(numbers) == len(set(numbers))
    recorded = account["completed"] + account["failed"] + account["cut_off"] + sum(account["dropped"].values())
    assert len(numbers) == recorded
    assert sum(rows for name, rows in now.rows.items() if name.startswith("requests")) > 0
    attempts = read_ledgers(sorted(played.directory.glob("ledger-*.jsonl")))
    assert document["orders"]["attempted"] == len(attempts)
    assert [path.name for path in played.directory.glob(".*.tmp")] == []
    return document


def findings(verdict: Mapping[str, Any], subject: str) -> list[tuple[str, str]]:
    """Return what a verdict finds about a subject that makes it inconclusive, and what to change."""
    found = [one for one in verdict["findings"] if (one["subject"], one["severity"]) == (subject, "inconclusive")]
    return [(one["message"], one["change"]) for one in found]


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
    assert message.startswith("the generator stood still for ")
    assert change == "give the generator a machine, or a core, of its own"


@contextmanager
def joining(folder: Path, prefix: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Start `peakproof worker` in the folder of a run, for one run; what is left of it at the end is killed, by pid."""
    output = folder / f"worker-{len(list(folder.glob('worker-*')))}"
    with started(folder, [*prefix, *COMMAND, "worker", "--once"], output, **RUN_TOKEN) as worker:
        yield worker


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
    assert message.startswith(f"{name} heard nothing of its master for ")
    assert change == "mend the network between the master and its workers, and run again"


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
        f"{name} heard nothing of its master for 15 s: nobody could have stopped it"
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
