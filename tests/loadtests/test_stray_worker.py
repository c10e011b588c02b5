"""Locust's port takes any connection: a worker without the run's token gets no part of the run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from loadtests.results.account import read_sessions
from loadtests.results.run_directory import RunDirectory
from loadtests.results.worker_status import read_workers
from tests.bad_input.process import MEASURED
from tests.loadtests import fake_shop
from tests.loadtests.prepared import prepared_run
from tests.loadtests.test_locustfile import ROOT
from tests.ports import free_port
from tests.waiting import wait_for

TOKEN = "canary-of-the-run"
LOCUST = [sys.executable, "-P", "-m", "locust"]
STRAY = ROOT / "tests" / "children" / "stray_worker.py"
OURS = [*LOCUST, "-f", str(ROOT / "loadtests" / "locustfile.py")]


@contextmanager
def process(folder: Path, *command: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `command` in `folder` with its output in a file there; what is left at the end is killed, by pid."""
    folder.mkdir(exist_ok=True)
    with (folder / "output").open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **MEASURED, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield child
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()


def listening(pid: int) -> set[tuple[str, int]]:
    found = psutil.Process(pid).net_connections("tcp")
    return {(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN}


@contextmanager
def master(folder: Path, directory: RunDirectory) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the master of a run for two workers, as `peakproof run` does; give it with the port it listens on."""
    port = str(free_port())
    play = ("--run-directory", str(directory.path), "--headless", "--users", "2", "--spawn-rate", "2")
    bound = ("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port)
    expect = ("--expect-workers", "2", "--expect-workers-max-wait", "60", "--exit-code-on-error", "0")
    with process(folder, *OURS, *play, *bound, *expect, PEAKPROOF_RUN_TOKEN=TOKEN) as one:

        def listens() -> bool:
            assert one.poll() is None, (folder / "output").read_text()
            return bool(listening(one.pid))

        wait_for(listens, "the master listens")
        yield one, port


@pytest.fixture
def shop() -> Iterator[fake_shop.FakeShop]:
    with fake_shop.running() as one:
        yield one


def test_a_stray_gets_no_part_of_the_run_and_can_end_nothing(tmp_path: Path, shop: fake_shop.FakeShop) -> None:
    directory = prepared_run(tmp_path / "run", shop.url)
    join = ("--run-directory", str(directory.path), "--worker", "--master-host", "127.0.0.1", "--master-port")
    with ExitStack() as all_of_them, master(tmp_path / "master", directory) as (head, port):
        assert listening(head.pid) == {("127.0.0.1", int(port))}  # and no web UI

        def start(name: str, *command: str, **variables: str) -> subprocess.Popen[bytes]:
            return all_of_them.enter_context(process(tmp_path / name, *command, **variables))

        stray = start("stray", *LOCUST, "-f", str(STRAY), "--worker", "--master-port", port)
        wait_for((tmp_path / "stray" / "name").exists, "the stray is there")
        wrong = start("wrong", *OURS, *join, port, PEAKPROOF_RUN_TOKEN="another-token-altogether")
        assert wrong.wait(60) == 2
        workers = [start(f"right-{n}", *OURS, *join, port, PEAKPROOF_RUN_TOKEN=TOKEN) for n in range(2)]
        assert head.wait(90) == 0, (tmp_path / "master" / "output").read_text()
        assert [one.wait(60) for one in workers] == [0, 0]
        assert stray.poll() is None
    assert not (tmp_path / "stray" / "given-work").exists()
    assert (tmp_path / "wrong" / "output").read_text().splitlines()[-1] == (
        "the master doesn't let this worker in: it doesn't know this run's token:"
        " PEAKPROOF_RUN_TOKEN must be the same for master and workers"
    )
    snapshot = json.loads(directory.live.read_text())
    assert len(snapshot["refused_workers"]) == 2
    assert snapshot["refused_workers"][0] == (tmp_path / "stray" / "name").read_text()
    assert {one.name: one.ended for one in read_workers(directory)} == {"w0": "completed", "w1": "completed"}
    sessions = read_sessions(directory)
    assert set(sessions["outcome"].to_pylist()) == {"completed"}
    assert sessions.num_rows == sum(one.arrivals for one in read_workers(directory))
    assert TOKEN not in "".join((tmp_path / name / "output").read_text() for name in ("master", "right-0", "right-1"))


@pytest.mark.parametrize("part", [pytest.param("--master", marks=pytest.mark.heavy), "--worker"])
def test_neither_a_master_nor_a_worker_starts_without_the_token(
    part: str, tmp_path: Path, shop: fake_shop.FakeShop
) -> None:
    directory = prepared_run(tmp_path / "run", shop.url)
    with ExitStack() as all_of_them:
        port = str(free_port())
        if part == "--worker":
            port = all_of_them.enter_context(master(tmp_path / "master", directory))[1]
        where = {"--master": "--master-bind-port", "--worker": "--master-port"}[part]
        command = (*OURS, "--headless", "--run-directory", str(directory.path), part, where, port)
        with process(tmp_path / "without", *command) as one:
            assert one.wait(60) == 2
    assert (tmp_path / "without" / "output").read_text().splitlines()[-1] == (
        "PEAKPROOF_RUN_TOKEN is not set: a master lets in only workers that know the token of its run"
    )
    assert shop.asked == []
