"""Locust carries a run; without one it says so in a line. It patches whatever process it is in: here, its own."""

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.results.account import read_sessions
from loadtests.results.run_directory import RunDirectory
from loadtests.results.worker_status import read_workers
from tests.loadtests import fake_shop
from tests.loadtests.certificates import Authority
from tests.loadtests.fake_shop import FakeShop
from tests.loadtests.prepared import prepared_run
from tests.ports import free_port
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "loadtests"
COMMAND = [sys.executable, "-P", "-m", "locust", "-f", "loadtests/locustfile.py", "--headless", "--loglevel", "WARNING"]


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop.running() as one:
        yield one


def run(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        env={**os.environ, **variables},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_no_module_has_the_name_of_another_package() -> None:
    """Locust puts the folder of its file first on sys.path: a module here would hide the other."""
    ours = {path.stem for path in FOLDER.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    ours -= {"__init__", "__pycache__"}
    assert {"client", "worker", "demand", "storefronts"} <= ours
    assert ours & (set(sys.stdlib_module_names) | set(importlib.metadata.packages_distributions())) == set()


def test_without_a_run_directory_it_ends_as_bad_usage_with_one_line() -> None:
    ended = run()
    assert ended.returncode == 2
    assert ended.stdout == "--run-directory is missing: `peakproof run` prepares one and starts Locust\n"
    assert ended.stderr == ""


@pytest.mark.heavy  # Locust's start, as of the test before
def test_a_folder_that_is_no_run_ends_as_bad_usage_with_one_line(tmp_path: Path) -> None:
    ended = run("--run-directory", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stdout.endswith(f"{tmp_path / 'job.json'}: can't be read: No such file or directory\n")
    assert ended.stdout.count("\n") == 1
    assert ended.stderr == ""


def test_a_worker_whose_accounts_are_others_ends_as_bad_usage_before_it_plays(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("user,password\nada,hunter2\n")
    directory = prepared_run(tmp_path, "http://127.0.0.1:9", declared={"accounts": {"file": str(accounts)}})
    accounts.write_text("user,password\nada,hunter3\n")
    ended = run("--run-directory", str(directory.path), "--users", "1", "--spawn-rate", "1")
    assert ended.returncode == 2
    assert ended.stdout == (
        f"{accounts}: isn't the file that the run was started with: copy it from there (rows here: 1, there: 1)\n"
    )
    assert list(directory.path.glob("worker-*.json")) == []


def live(directory: RunDirectory) -> dict[str, object]:
    data = json.loads(directory.live.read_text())
    assert isinstance(data, dict)
    return data


def test_a_run_alone_plays_to_its_end_and_leaves_with_0(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(tmp_path, shop.url)
    ended = run("--run-directory", str(directory.path), "--users", "1", "--spawn-rate", "1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    snapshot = live(directory)
    sessions = read_sessions(directory)
    assert (snapshot["state"], snapshot["run"], snapshot["workers"]) == ("ended", directory.name, 1)
    assert snapshot["planned"] == {"sessions_per_s": 0.0, "sessions_total": sessions.num_rows}
    assert [worker.ended for worker in read_workers(directory)] == ["completed"]
    assert set(sessions["outcome"].to_pylist()) == {"completed"}


def test_no_variable_leads_the_load_elsewhere_and_the_named_ones_are_sent(tmp_path: Path, shop: FakeShop) -> None:
    gate = {"headers": {"X-Gate": {"env": "SHOP_GATE"}}, "tag": {"baggage": True}}
    directory = prepared_run(tmp_path, shop.url, declared=gate)
    with fake_shop.running() as elsewhere:
        leading = dict.fromkeys(("LOCUST_HOST", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), elsewhere.url)
        ended = run(
            *("--run-directory", str(directory.path), "--users", "1", "--spawn-rate", "1"),
            **leading,
            NO_PROXY="",
            SHOP_GATE="canary-of-the-gate",
        )
        assert elsewhere.asked == []
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert {(seen.get("X-Gate"), seen.get("baggage")) for seen in shop.headers} == {
        ("canary-of-the-gate", f"peakproof.run={directory.name}")
    }
    assert "canary-of-the-gate" not in ended.stdout + ended.stderr


def started(directory: RunDirectory, *options: str) -> subprocess.Popen[bytes]:
    command = [*COMMAND, "--run-directory", str(directory.path), "--stop-timeout", "0", *options]
    return subprocess.Popen(
        command,
        env={**os.environ, "PEAKPROOF_RUN_TOKEN": "canary-of-the-run"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def has_asked(directory: RunDirectory, worker: str) -> bool:
    path = directory.path / f"worker-{worker}.json"
    return path.exists() and json.loads(path.read_text())["requests"] > 0


@pytest.mark.heavy
def test_a_run_that_loses_a_worker_goes_on_with_the_other_and_ends_with_75(tmp_path: Path, shop: FakeShop) -> None:
    directory = prepared_run(
        tmp_path,
        shop.url,
        phases=[
            {"name": "warm-up", "kind": "warm-up", "duration_s": 1, "level": [1.0, 1.0]},
            {"name": "plateau", "kind": "plateau", "duration_s": 4, "level": [1.0, 1.0]},
            {"name": "drain", "kind": "drain", "duration_s": 1.0},
        ],
    )
    port = str(free_port())
    many = ("--users", "2", "--spawn-rate", "2", "--expect-workers", "2", "--exit-code-on-error", "0")
    master = started(directory, "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, *many)
    joining = ("--worker", "--master-host", "127.0.0.1", "--master-port", port)
    children = [master, *(started(directory, *joining) for _ in range(2))]
    try:
        wait_for(lambda: all(has_asked(directory, name) for name in ("w0", "w1")), "load by both workers")
        os.kill(json.loads((directory.path / "worker-w1.json").read_text())["pid"], signal.SIGKILL)
        assert master.wait(timeout=60) == 75
    finally:
        for child in children:
            child.kill()
            child.wait()
    assert {worker.name: worker.ended for worker in read_workers(directory)} == {"w0": "completed", "w1": None}
    assert live(directory)["state"] == "ended"


def test_a_run_over_tls_plays_to_its_end(tmp_path: Path) -> None:
    """Locust patches ssl: the context that verifies must still be the one that is used."""
    authority = Authority(tmp_path / "tls")
    with fake_shop.running(authority.serve(authority.sign("shop.test"))) as shop:
        declared = {"ca": str(authority.certificate), "resolve": {"shop.test": "127.0.0.1"}}
        base_url = f"https://shop.test:{shop.server.server_port}"
        trusting = prepared_run(tmp_path / "a", base_url, declared=declared)
        ended = run("--run-directory", str(trusting.path), "--users", "1", "--spawn-rate", "1")
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert set(read_sessions(trusting)["outcome"].to_pylist()) == {"completed"}
        shop.asked.clear()
        doubting = prepared_run(tmp_path / "b", base_url, declared={"resolve": {"shop.test": "127.0.0.1"}})
        run("--run-directory", str(doubting.path), "--users", "1", "--spawn-rate", "1")
        assert set(read_sessions(doubting)["reason"].to_pylist()) == {"home: connection"}
        assert shop.asked == []


def test_a_secret_that_is_not_there_ends_it_as_bad_usage_before_anything_is_sent(
    tmp_path: Path, shop: FakeShop
) -> None:
    directory = prepared_run(tmp_path, shop.url, declared={"headers": {"X-Gate": {"env": "SHOP_GATE"}}})
    ended = run("--run-directory", str(directory.path), "--users", "1", "--spawn-rate", "1")
    assert (ended.returncode, shop.asked) == (2, [])
    assert ended.stdout == ("the environment variable SHOP_GATE is not set; targets.yaml names it in headers.X-Gate\n")


def test_a_run_that_is_interrupted_leaves_with_75_and_everything_written(tmp_path: Path, shop: FakeShop) -> None:
    shop.hangs.set()
    directory = prepared_run(
        tmp_path,
        shop.url,
        phases=[
            {"name": "warm-up", "kind": "warm-up", "duration_s": 60, "level": [1.0, 1.0]},
            {"name": "plateau", "kind": "plateau", "duration_s": 60, "level": [1.0, 1.0]},
            {"name": "drain", "kind": "drain", "duration_s": 1.0},
        ],
    )
    child = started(directory, "--users", "1", "--spawn-rate", "1")
    try:
        wait_for(lambda: len(shop.asked) >= 3, "three requests")
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 75
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    (worker,) = read_workers(directory)
    sessions = read_sessions(directory)
    assert worker.ended == "stopped"
    assert live(directory)["state"] == "ended"
    assert set(sessions["outcome"].to_pylist()) == {"cut_off"}
    assert sessions.num_rows >= 3
