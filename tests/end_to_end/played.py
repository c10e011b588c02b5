"""Runs of a small plan that faults are put into, and what must be true of each whatever the fault."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from loadtests.results.ledger import read_ledgers
from scripts.local_stack.prometheus_binary import find_prometheus
from slo.outcomes import EnvironmentLacks
from tests.bad_input.process import COMMAND, Running, peakproof, running, started
from tests.loadtests import fake_shop
from tests.loadtests.fake_shop import FakeShop
from tests.ports import free_base
from tests.scripts.world import slo
from tests.waiting import wait_for

RUN_TOKEN = {"PEAKPROOF_RUN_TOKEN": "canary-of-the-run"}

PLAN = """\
format: peakproof/plan/v1
name: faulty
seed: 7
demand: {source: a test, forecast_orders_per_hour: 36000, factor: 1.0, orders_per_session: 1.0,
  peak_sessions_per_s: 10}
phases:
  - {name: warm-up, kind: warm-up, duration_s: 2, level: [1, 1]}
  - {name: plateau, kind: plateau, duration_s: PLATEAU, level: [1, 1]}
  - {name: drain, kind: drain, duration_s: 4}
journeys: {search-and-buy: 0.8, window-shop: 0.2}
think_time: {median_s: 0.2, sigma: 0.3, max_s: 1}
cart_lines: {min: 1, max: 3}
trace_sampling: 0.0
limits: {open_sessions: 400}
assumed_error_burst_s: 0.1
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


@contextmanager
def joining(folder: Path, prefix: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Start `peakproof worker` in the folder of a run, for one run; what is left of it at the end is killed, by pid."""
    output = folder / f"worker-{len(list(folder.glob('worker-*')))}"
    with started(folder, [*prefix, *COMMAND, "worker", "--once"], output, **RUN_TOKEN) as worker:
        yield worker
