"""Whatever ends a run under load, its directory is whole, it is never a PASS, and nothing is left running."""

import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.local_stack.shop import TOKEN_VARIABLE, Shop
from tests.bad_input.process import Running, descendants, is_alive, peakproof, running
from tests.loadtests.browser.world import real_chromium
from tests.ports import free_base
from tests.scripts.world import OBJECTIVES
from tests.waiting import wait_for

pytestmark = pytest.mark.heavy  # each plays a run: together they take minutes

PLAN = """\
format: peakproof/plan/v1
name: small
seed: 7
demand: {source: a test, forecast_orders_per_hour: 10800, factor: 1.0, orders_per_session: 1.0, peak_sessions_per_s: 3}
phases:
  - {name: warm-up, kind: warm-up, duration_s: 1, level: [1, 1]}
  - {name: ramp, kind: ramp, duration_s: 1, level: [1, 1]}
  - {name: plateau, kind: plateau, duration_s: 6, level: [1, 1]}
  - {name: drain, kind: drain, duration_s: 40}  # a run is over when its last session is
journeys: {search-and-buy: 1.0}
think_time: {median_s: 0.1, sigma: 0.3, max_s: 0.3}
cart_lines: {min: 1, max: 3}
trace_sampling: 1.0
limits: {open_sessions: 100}
assumed_error_burst_s: 1
"""


class Played:
    """A run of the small plan that is under way, or over."""

    def __init__(self, peak: Running, folder: Path, shop: Shop) -> None:
        self.peak, self.folder, self._shop = peak, folder, shop

    @property
    def directory(self) -> Path:
        (run,) = (self.folder / "runs").iterdir()
        return run

    def wait_for_load(self) -> None:
        """Wait until requests were answered."""
        wait_for(lambda: self.peak.process.poll() is not None or self._requests() > 5, "load")
        assert self.peak.process.poll() is None, self.peak.told()

    def _requests(self) -> int:
        try:
            live = json.loads(next((self.folder / "runs").glob("*/live.json")).read_text())
        except (OSError, StopIteration):
            return 0
        return int(live["achieved"]["requests_total"])

    def document(self) -> Mapping[str, Any]:
        """Return run.json."""
        read: dict[str, Any] = json.loads((self.directory / "run.json").read_text())
        return read

    def judged(self) -> int:
        """Audit and judge the run; return the verdict's exit code."""
        token = {TOKEN_VARIABLE: self._shop.token}
        assert peakproof(self.folder, "audit", "latest", **token).code in {0, 75, 99}
        return peakproof(self.folder, "judge", "latest").code


@pytest.fixture
def folder(tmp_path: Path, shop: Shop) -> Path:
    """Return a folder with the small plan and the stand-in shop as an environment."""
    (tmp_path / "plan.yaml").write_text(PLAN)
    (tmp_path / "objectives.yaml").write_text(OBJECTIVES)
    environment = shop.environment().model_dump(mode="json", exclude_none=True)
    document = {"format": "peakproof/targets/v1", "environments": {"staging": environment}}
    (tmp_path / "targets.yaml").write_text(json.dumps(document))
    return tmp_path


@contextmanager
def play(folder: Path, shop: Shop, prometheus: str, *more: str, verb: str = "run", **also: str) -> Iterator[Played]:
    base = str(shop.ports.base)  # so that the shop's spans go to the run's recorder
    arguments = (verb, "plan.yaml", "--on", "staging", "--port-base", base, *more)
    variables = {TOKEN_VARIABLE: shop.token, "PEAKPROOF_PROMETHEUS": prometheus, **also}
    with running(folder, *arguments, **variables) as peak:
        yield Played(peak, folder, shop)


def account_adds_up(document: Mapping[str, Any]) -> bool:
    account = document["account"]
    others = sum(account[name] for name in ("completed", "failed", "cut_off", "not_due"))
    return bool(others + sum(account["dropped"].values()) + sum(account["lost"].values()) == account["planned"])


def test_a_run_that_nothing_disturbs_is_complete_and_valid(folder: Path, shop: Shop, prometheus: str) -> None:
    """The other tests show something only because this one ends with 0."""
    with play(folder, shop, prometheus) as played:
        assert played.peak.ended() == 0, played.peak.told()
        document = played.document()
    assert (document["ended"], document["notes"], account_adds_up(document)) == ("completed", [], True)
    assert document["account"]["completed"] == document["account"]["planned"]
    assert (document["release"]["before"], document["release"]["after"]) == ("2026.47.0", "2026.47.0")
    assert played.judged() != 99


def test_a_gate_judges_the_run_that_it_played_and_ends_with_its_verdict(
    folder: Path, shop: Shop, prometheus: str
) -> None:
    """A run with a later name, such as another pipeline's, is begun in the same folder meanwhile."""
    with play(folder, shop, prometheus, verb="gate") as gate:
        gate.wait_for_load()
        own, later = gate.directory, folder / "runs" / "99991231T235959Z-small-ffff"
        later.mkdir()
        (later / "run.json").write_text("{}")
        code = gate.peak.ended()
    verdict = json.loads((own / "verdict.json").read_text())
    told = gate.peak.told().splitlines()
    assert told[-2:] == [f"run={own}", f"{verdict['outcome']}  {own / 'report.html'}"], gate.peak.told()
    assert (code, verdict["run"]) == (verdict["exit_code"], own.name)
    assert "auditing: every order against the shop records" in told
    assert {"audit.json", "verdict.json", "junit.xml", "summary.md", "report.html"} <= {p.name for p in own.iterdir()}
    assert [path.name for path in later.iterdir()] == ["run.json"]


def test_a_signal_ends_a_gate_as_it_ends_a_run_and_nothing_is_judged(folder: Path, shop: Shop, prometheus: str) -> None:
    with play(folder, shop, prometheus, verb="gate") as gate:
        gate.wait_for_load()
        gate.peak.process.send_signal(signal.SIGTERM)
        assert gate.peak.ended() == 75
    name, path = gate.directory.name, gate.directory
    left = f"peakproof audit {name}, then peakproof judge {name}"
    assert gate.peak.told().splitlines()[-2:] == [
        f"run={path}",
        f"INCONCLUSIVE  stopped by hand or signal, not judged: {left}",
    ]
    assert account_adds_up(gate.document())
    assert not [name for name in ("audit.json", "verdict.json", "report.html") if (path / name).exists()]


def test_a_browser_that_is_missing_ends_it_before_any_load(folder: Path, shop: Shop, prometheus: str) -> None:
    with play(folder, shop, prometheus, "--browser") as played:
        assert played.peak.ended() == 75
    assert "none of chromium, chromium-browser, google-chrome is on the PATH; install one with" in played.peak.told()
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("instead", "why", "least"),
    [
        ("", None, 1),
        ("exit 7", "the browser is gone: it ended", 0),
        (f"exec {sys.executable} -c 'import time; time.sleep(600)'", None, 0),
    ],
)
def test_a_browser_beside_the_load_is_reported_and_harms_no_run(
    instead: str, why: str | None, least: int, folder: Path, shop: Shop, prometheus: str
) -> None:
    """A real one, a program that ends at once, and one that never answers."""
    program = folder / "chromium"
    command = instead or f'exec {real_chromium()} "$@"'
    program.write_text(f"#!/bin/sh\necho $$ > {folder}/pid\n{command}\n")
    program.chmod(0o755)
    if not instead:  # on a busy machine its first page takes longer than the other runs
        (folder / "plan.yaml").write_text(PLAN.replace("duration_s: 6,", "duration_s: 20,"))
    with play(folder, shop, prometheus, "--browser", PEAKPROOF_CHROMIUM=str(program)) as played:
        ended = played.peak.ended()
    if instead:  # a real one takes a core: on a small machine the load may be late
        assert ended == 0, played.peak.told()
    document = played.document()
    facts = document["browser"]
    assert (document["ended"], document["notes"], facts["why_not_more"]) == ("completed", [], why)
    assert facts["pages"] >= least
    assert (played.directory / "browser.parquet").exists() == (facts["pages"] > 0)
    assert f"the browser saw {facts['pages']} pages\n" in played.peak.told()
    assert not is_alive(int((folder / "pid").read_text()))
    assert played.judged() != 99
    findings = json.loads((played.directory / "verdict.json").read_text())["findings"]
    notes = [one["severity"] for one in findings if one["subject"] == "browser"]
    assert notes == ([] if facts["pages"] else ["note"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_under_load_stops_the_run_with_its_directory_whole(
    number: signal.Signals, folder: Path, shop: Shop, prometheus: str
) -> None:
    with play(folder, shop, prometheus) as played:
        played.wait_for_load()
        children = descendants(played.peak.process.pid)
        played.peak.process.send_signal(number)
        assert played.peak.ended() == 75
        assert not [pid for pid in children if is_alive(pid)]
    document = played.document()
    assert (document["ended"], document["ended_because"]) == ("stopped", "by hand or signal")
    assert account_adds_up(document)
    assert document["account"]["not_due"] > 0
    assert document["recorder"]["dropped"] == 0
    assert (played.directory / "metrics" / "dashboards.parquet").exists()
    assert "stopping: what was recorded until now is kept\n" in played.peak.told()
    assert played.judged() == 75


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_set_up_ends_with_75_and_a_run_that_never_was(
    number: signal.Signals, folder: Path, shop: Shop, prometheus: str
) -> None:
    with play(folder, shop, prometheus) as played:
        wait_for(lambda: list(folder.glob("runs/*/prometheus")), "Prometheus' folder")
        played.peak.process.send_signal(number)
        assert played.peak.ended() == 75
        assert played.peak.told().endswith("peakproof: stopped by hand or signal\n")
    document = played.document()
    assert (document["ended"], document["ended_because"]) == ("stopped", "by hand or signal")
    assert document["account"]["not_due"] == document["account"]["planned"]
    assert peakproof(folder, "judge", "latest").code == 75


def test_when_the_command_is_killed_all_that_it_started_ends(folder: Path, shop: Shop, prometheus: str) -> None:
    with play(folder, shop, prometheus) as played:
        played.wait_for_load()
        children = descendants(played.peak.process.pid)
        assert len(children) >= 3  # the load generator, the guard, Prometheus
        played.peak.process.kill()
        played.peak.process.wait()
        wait_for(lambda: not [pid for pid in children if is_alive(pid)], "the end of all children", 20)
    assert played.document()["ended"] is None
    assert peakproof(folder, "judge", "latest").code == 75


def test_a_killed_load_generator_is_a_lost_worker(folder: Path, shop: Shop, prometheus: str) -> None:
    with play(folder, shop, prometheus) as played:
        played.wait_for_load()
        (pid,) = played.peak.below("locustfile.py")
        os.kill(pid, signal.SIGKILL)
        assert played.peak.ended() == 75
    document = played.document()
    assert document["ended"] == "failed"
    assert document["ended_because"].startswith("locust ended with -9: ")
    assert [(worker["name"], worker["lost"]) for worker in document["workers"]] == [("w0", True)]
    assert document["account"]["lost"]["w0"] > 0
    assert account_adds_up(document)
    assert played.judged() == 75


def test_a_killed_prometheus_is_data_that_is_missing(folder: Path, shop: Shop, prometheus: str) -> None:
    with play(folder, shop, prometheus) as played:
        played.wait_for_load()
        (pid,) = played.peak.below("--storage.tsdb.path", str(folder))[1:]  # the guard holds the same words
        os.kill(pid, signal.SIGKILL)
        assert played.peak.ended() == 75
    document = played.document()
    url = f"http://127.0.0.1:{shop.ports.prometheus}"
    assert (document["ended"], document["notes"]) == (
        "completed",
        [f"Prometheus at {url} doesn't answer: ConnectionError"],
    )
    told = f"not valid: Prometheus at {url} doesn't answer: ConnectionError; mend that, and run again\n"
    assert told in played.peak.told()
    assert played.judged() == 75


@pytest.mark.parametrize("victim", ["staging.front"])
def test_a_shop_that_dies_under_load_never_passes(victim: str, tmp_path: Path, prometheus: str) -> None:
    """The demo's own shop, so that the others' lives on."""
    (tmp_path / "plan.yaml").write_text(PLAN)
    base = str(free_base())
    arguments = ("demo", "--plan", "plan.yaml", "--port-base", base)
    with running(tmp_path, *arguments, PEAKPROOF_PROMETHEUS=prometheus) as peak:
        wait_for(lambda: list(tmp_path.glob("runs/*/live.json")), "load")
        (pid,) = peak.below(victim)
        os.kill(pid, signal.SIGKILL)
        assert peak.ended() in {75, 99}
    (run,) = (tmp_path / "runs").iterdir()
    assert json.loads((run / "verdict.json").read_text())["outcome"] in {"FAIL", "INCONCLUSIVE"}
    assert json.loads((run / "run.json").read_text())["release"]["after"] is None
