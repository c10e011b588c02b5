"""A plan is changed while Locust plays it; what was played adds up to the plan as it became.

Which changes are refused, and why, is tested in coordination/test_rate_control.py.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
import requests

from loadtests.demand.arrivals import revised
from loadtests.results.account import make_account, read_sessions
from loadtests.results.revisions import read_revisions
from loadtests.results.run_directory import RunDirectory
from loadtests.results.worker_status import read_workers
from loadtests.worker.job import BEGIN, read_job
from tests.loadtests import fake_shop
from tests.loadtests.prepared import prepared_run
from tests.loadtests.test_locustfile import COMMAND, ROOT
from tests.ports import free_port
from tests.scripts.local_stack.test_processes import is_alive
from tests.waiting import wait_for

WAIT_S = 60.0
VARIABLES = {**os.environ, "PEAKPROOF_RUN_TOKEN": "canary-of-the-run"}


@contextlib.contextmanager
def playing(
    folder: Path, workers: int, port: int = 0, *shown: str
) -> Iterator[tuple[RunDirectory, list[subprocess.Popen[bytes]]]]:
    """Play a plan of nine seconds with ten sessions a second; the first process decides and takes changes."""
    phases = [
        {"name": "warm-up", "kind": "warm-up", "duration_s": 4, "level": [1.0, 1.0]},
        {"name": "plateau", "kind": "plateau", "duration_s": 5, "level": [1.0, 1.0]},
        {"name": "drain", "kind": "drain", "duration_s": 1},
    ]
    with fake_shop.running() as shop:
        directory = prepared_run(folder, shop.url, phases=phases)
        given = [*COMMAND, "--run-directory", str(directory.path)]
        options = [word for word in given if word != "--headless"] if shown else given
        head = [
            *options,
            *shown,
            "--users",
            str(workers),
            "--spawn-rate",
            str(workers),
            "--change-on-stdin",
            "--stop-timeout",
            "0",
        ]
        others = []
        if workers > 1:
            bound = ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port)]
            head += [*bound, "--expect-workers", str(workers)]
            joined = ["--worker", "--master-host", "127.0.0.1", "--master-port", str(port)]
            others = [[*given, *joined] for _ in range(workers)]
        started = [
            subprocess.Popen(command, env=VARIABLES, cwd=ROOT, stdin=subprocess.PIPE) for command in (head, *others)
        ]
        try:
            yield directory, started
        finally:
            for child in started:
                if child.poll() is None:
                    child.kill()
                child.communicate()


def live(directory: RunDirectory) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(directory.live.read_text()) if directory.live.exists() else {}
    return value


def wait_until(reached: Callable[[], object], child: subprocess.Popen[bytes]) -> None:
    """Wait until the run has come that far; one that has ended never will."""
    wait_for(lambda: reached() or child.poll() is not None, "the change", WAIT_S)
    assert child.poll() is None


def send_line(child: subprocess.Popen[bytes], line: str) -> None:
    pipe: IO[bytes] | None = child.stdin
    assert pipe is not None
    pipe.write(line.encode() + b"\n")
    pipe.flush()


def test_a_paused_and_resumed_run_plays_the_plan_as_it_became(tmp_path: Path) -> None:
    with playing(tmp_path, 2, free_port()) as (directory, started):
        head = started[0]
        wait_until(lambda: live(directory).get("elapsed_s", 0) > 0, head)
        send_line(head, "pause or resume\tthe key p")
        wait_until(lambda: live(directory)["paused"], head)
        send_line(head, "nonsense")
        wait_until(lambda: "nonsense" in live(directory)["message"], head)
        send_line(head, "resume")
        wait_until(lambda: len(read_revisions(directory)) == 2, head)
        send_line(head, "1.5\tby hand")
        assert head.wait(WAIT_S) == 0
    plan, revisions = read_job(directory.path).plan, read_revisions(directory)
    assert [(r.factor, r.why) for r in revisions] == [(0.0, "the key p"), (1.0, "by hand"), (1.5, "by hand")]
    accounts, sessions = read_workers(directory), read_sessions(directory)
    for one in accounts:  # on one machine all clocks are one, so the truth is 0
        assert one.clock_offset is not None
        assert abs(one.clock_offset["offset_s"]) <= one.clock_offset["uncertainty_s"]
        assert one.clock_offset["pings"] >= 5
    assert [worker.ended for worker in accounts] == ["completed"] * 2
    assert [[(t.number, t.struck) for t in w.revisions] for w in accounts] == [[(1, 0), (2, 0), (3, 0)]] * 2
    arrivals = revised(plan, revisions)
    assert sorted(sessions["session"].to_pylist()) == arrivals.numbers.tolist()
    account = make_account(arrivals, sessions, accounts, workers_expected=2, ran_s=100.0)
    assert (account.completed, account.lost, account.not_due) == (len(arrivals), {}, 0)
    snapshot = live(directory)
    assert (snapshot["state"], snapshot["factor"], snapshot["paused"]) == ("ended", 1.5, False)
    assert snapshot["planned"]["sessions_total"] == snapshot["achieved"]["sessions_total"] == len(arrivals)


FORM = re.compile(r'name="token" value="([^"]+)"')


@pytest.fixture
def browser() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_the_web_ui_shows_the_run_and_changes_it_only_from_its_own_page(
    tmp_path: Path, browser: requests.Session
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    shown = ("--autostart", "--web-host", "127.0.0.1", "--web-port", str(port))
    ours = {"Origin": url}
    with playing(tmp_path, 1, 0, *shown) as (directory, (head,)):
        wait_until(lambda: live(directory).get("elapsed_s", 0) > 0, head)
        page = browser.get(f"{url}/peakproof", headers=ours)
        assert (page.status_code, page.headers.get("Access-Control-Allow-Origin")) == (200, None)
        token = FORM.findall(page.text)[0]
        assert browser.get(f"{url}/peakproof/live").json()["run"] == directory.name
        assert browser.get(f"{url}/").status_code == 200
        assert browser.get(f"{url}/stats/requests").headers.get("Access-Control-Allow-Origin") is None
        pause = {"token": token, "change": "pause or resume"}
        for refused in (
            browser.get(f"{url}/peakproof", headers={"Origin": "http://evil.test"}),
            browser.get(f"{url}/peakproof", headers={"Host": f"evil.test:{port}"}),
            browser.post(f"{url}/peakproof/change", pause, headers={"Origin": "http://evil.test"}),
            browser.post(f"{url}/peakproof/change", pause),
            browser.post(f"{url}/peakproof/change", {**pause, "token": "guessed"}, headers=ours),
            browser.post(f"{url}/peakproof/stop", {"token": ""}, headers=ours),
            browser.post(f"{url}/stop"),
            browser.post(f"{url}/stats/reset", headers=ours),
            browser.post(f"{url}/user", "{}", headers=ours),
        ):
            assert refused.status_code == 403
        swarm = browser.post(f"{url}/swarm", {"user_count": 500, "spawn_rate": 500}, headers=ours)
        assert swarm.json() == {
            "success": False,
            "message": "refused: the load is the plan that Peakproof plays; pause it or change its rate at /peakproof",
        }
        assert browser.get(f"{url}/stats/requests").json()["user_count"] == 1
        assert read_revisions(directory) == ()
        answer = browser.post(f"{url}/peakproof/change", pause, headers=ours, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/peakproof")
        wait_until(lambda: live(directory)["paused"], head)
        browser.post(f"{url}/peakproof/change", {"token": token, "change": "0.5"}, headers=ours)
        wait_until(lambda: live(directory)["factor"] == 0.5, head)
        assert [(r.factor, r.why) for r in read_revisions(directory)] == [
            (0.0, "by hand in the web UI"),
            (0.5, "by hand in the web UI"),
        ]
        stopped = browser.post(f"{url}/stop", headers=ours)
        assert stopped.json()["success"] is True
        assert head.wait(WAIT_S) == 75
    (worker,) = read_workers(directory)
    assert (worker.ended, worker.because) == ("stopped", "by hand in the web UI")
    assert live(directory)["state"] == "ended"


def users(browser: requests.Session, url: str) -> int:
    """Return how many users Locust has started: they play as soon as they may."""
    try:
        return int(browser.get(f"{url}/stats/requests", timeout=5).json()["user_count"])
    except requests.ConnectionError:
        return 0


def test_a_run_that_waits_to_be_told_sends_nothing_before(tmp_path: Path, browser: requests.Session) -> None:
    port = free_port()
    shown = ("--autostart", "--web-host", "127.0.0.1", "--web-port", str(port), "--begin-on-stdin")
    with playing(tmp_path, 1, 0, *shown) as (directory, (head,)):
        wait_until(lambda: users(browser, f"http://127.0.0.1:{port}") == 1, head)
        assert (directory.live.exists(), list(directory.path.glob("worker-*.json"))) == (False, [])
        told_at = time.time_ns()
        send_line(head, BEGIN)
        wait_until(lambda: live(directory).get("elapsed_s", 0) > 0, head)
        assert live(directory)["started_at"] > told_at


def end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.heavy  # what it does without a parent is tested in coordination/test_watchdog.py
def test_a_run_that_waits_ends_without_any_load_when_who_started_it_is_gone(
    tmp_path: Path, browser: requests.Session
) -> None:
    port, web_port = str(free_port()), str(free_port())
    with fake_shop.running() as shop, contextlib.ExitStack() as left:
        directory = prepared_run(tmp_path, shop.url)
        base = [word for word in (*COMMAND, "--run-directory", str(directory.path)) if word != "--headless"]
        head = [*base, "--users", "2", "--spawn-rate", "2", "--begin-on-stdin", "--expect-workers", "2"]
        head += ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
        head += ["--autostart", "--web-host", "127.0.0.1", "--web-port", web_port]
        for _ in range(2):
            joined = [*base, "--worker", "--master-host", "127.0.0.1", "--master-port", port]
            worker = left.enter_context(subprocess.Popen(joined, env=VARIABLES, cwd=ROOT))
            left.callback(worker.kill)
        shell = ["/bin/sh", "-c", '"$@" >/dev/null 2>&1 & echo $! && wait', "sh", *head]
        parent = left.enter_context(subprocess.Popen(shell, env=VARIABLES, cwd=ROOT, stdout=subprocess.PIPE))
        left.callback(parent.kill)
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        left.callback(end, pid)
        wait_until(lambda: users(browser, f"http://127.0.0.1:{web_port}") == 2, parent)
        parent.kill()
        wait_for(lambda: not is_alive(pid), "the run's end")
        assert shop.asked == []
    endings = {(one.name, one.ended, one.because) for one in read_workers(directory)}
    gone = "the process that started the run is gone"
    assert endings == {("w0", "stopped", gone), ("w1", "stopped", gone)}


def test_a_web_ui_that_others_could_reach_is_refused(tmp_path: Path) -> None:
    shown = ("--autostart", "--web-host", "0.0.0.0", "--web-port", str(free_port()))  # noqa: S104 - refused
    with playing(tmp_path, 1, 0, *shown) as (directory, (head,)):
        assert head.wait(WAIT_S) == 2
    assert not directory.live.exists()
