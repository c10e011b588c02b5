"""Workers that can't see the run directory: what they write gets there over the network, whatever becomes of them."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.local_stack.ports import Ports
from tests.bad_input.process import COMMAND, peakproof, running, started
from tests.end_to_end.played import (
    RUN_TOKEN,
    Played,
    check_whole,
    findings,
    joining,
    prometheus,
    shop,
    write_inputs,
)
from tests.loadtests.fake_shop import FakeShop
from tests.ports import free_base

__all__ = ["prometheus", "shop"]
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(180)]

AT, RELAYED_AT = "127.0.0.2", "127.0.0.3"  # of this machine, but not where a run starts its workers itself


@contextmanager
def far_worker(folder: Path, master: tuple[str, int]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker in a folder of its own that knows the master's address and the token, and nothing else."""
    folder.mkdir()
    command = [*COMMAND, "worker", "--once", "--master", f"{master[0]}:{master[1]}"]
    with started(folder, command, folder / "output", SHOP_TOKEN="made-up-token", **RUN_TOKEN) as worker:
        yield worker


class Far:
    """A run and its workers elsewhere, under way."""

    def __init__(self, played: Played, folders: Sequence[Path], workers: Sequence[subprocess.Popen[bytes]]) -> None:
        self.played, self.folders, self.workers = played, folders, workers

    def account(self, number: int) -> Mapping[str, Any]:
        """Return what the worker in that folder last said of itself; nothing before it said anything."""
        paths = list(self.folders[number].glob("uploads/*/worker-*.json"))
        read: dict[str, Any] = json.loads(paths[0].read_text()) if paths else {}
        return read

    def own(self, name: str) -> dict[str, bytes]:
        """Return the records that the worker `name` wrote into its own folder, by their names."""
        (ledger,) = [path for folder in self.folders for path in folder.glob(f"uploads/*/ledger-{name}.jsonl")]
        return records(ledger.parent, name)

    def arrived(self, name: str) -> dict[str, bytes]:
        """Return what of it is in the run directory."""
        return records(self.played.directory, name)


def records(directory: Path, name: str) -> dict[str, bytes]:
    patterns = (f"sessions-{name}-*", f"requests-{name}-*", f"ledger-{name}.jsonl")
    return {path.name: path.read_bytes() for pattern in patterns for path in directory.glob(pattern)}


@contextmanager
def master(folder: Path, prometheus: str) -> Iterator[tuple[Played, tuple[str, int]]]:
    """Play the plan in `folder`/near with two workers from elsewhere, whose master listens at the address returned."""
    near, base = folder / "near", free_base()
    with ExitStack() as stack:
        command = ("run", "plan.yaml", "--on", "staging", "--workers", "2", "--port-base", str(base))
        told = {"PEAKPROOF_PROMETHEUS": prometheus, "SHOP_TOKEN": "made-up-token", **RUN_TOKEN}
        bound = {"PEAKPROOF_BIND": AT, "PEAKPROOF_REACHED_AS": AT}
        played = Played(stack.enter_context(running(near, *command, **told, **bound)), near)
        yield played, (AT, Ports(base=base).locust)


@contextmanager
def far(folder: Path, prometheus: str) -> Iterator[Far]:
    """Play the plan in `folder`/near with two workers, each in a folder of its own."""
    with ExitStack() as stack:
        played, address = stack.enter_context(master(folder, prometheus))
        folders = [folder / f"far-{number}" for number in range(2)]
        workers = [stack.enter_context(far_worker(one, address)) for one in folders]
        yield Far(played, folders, workers)


@pytest.fixture
def near(tmp_path: Path, shop: FakeShop) -> Path:
    (tmp_path / "near").mkdir()
    write_inputs(tmp_path / "near", shop.url, plateau_s=14)
    return tmp_path


def test_all_that_workers_elsewhere_write_arrives_as_they_wrote_it(near: Path, prometheus: str) -> None:
    with far(near, prometheus) as run:
        run.played.wait_for_parts()
        before = run.played.listing()
        assert run.played.peak.ended() == 0, run.played.peak.told()
        assert [worker.wait(30) for worker in run.workers] == [0, 0]
    document = check_whole(run.played, before)
    assert document["account"]["completed"] == document["account"]["planned"]
    for name in ("w0", "w1"):
        assert len(run.own(name)) > 4
        assert run.arrived(name) == run.own(name)
    assert [
        (one["parts_expected"] == one["parts_received"] > 2, one["lost"], one["uploaded"])
        for one in document["workers"]
    ] == [(True, False, True)] * 2
    for one in document["clock_offsets"].values():
        assert abs(one["offset_s"]) <= one["uncertainty_s"]
    assert run.played.judged()["outcome"] == "PASS"


def test_of_a_worker_elsewhere_that_is_killed_all_that_was_uploaded_is_kept(near: Path, prometheus: str) -> None:
    with far(near, prometheus) as run:
        run.played.wait_for_parts()
        before, pid = run.played.listing(), run.played.pid_of("w1")
        os.kill(pid, signal.SIGKILL)
        assert run.played.peak.ended() == 75, run.played.peak.told()
        assert sorted(worker.wait(30) for worker in run.workers) == [0, 75]
    document = check_whole(run.played, before)
    assert (document["ended"], document["ended_because"]) == ("failed", "w1 was lost in mid-run")
    assert list(document["account"]["lost"]) == ["w1"]
    assert run.arrived("w0") == run.own("w0")
    own, arrived = run.own("w1"), run.arrived("w1")
    for name, data in arrived.items():
        assert own[name].startswith(data)
        assert own[name] == data or not name.endswith(".parquet")
    assert arrived["ledger-w1.jsonl"].count(b"\n") >= len(before.ledgers["ledger-w1.jsonl"]) > 0
    verdict = run.played.judged()
    assert verdict["outcome"] == "INCONCLUSIVE"
    assert [message for message, _ in findings(verdict, "workers")] == ["w1 was lost"]
    (kept,) = [path.parent for folder in run.folders for path in folder.glob("uploads/*/ledger-w1.jsonl")]
    brought = peakproof(run.played.folder, "audit", "latest", "--worker-folder", str(kept), SHOP_TOKEN="made-up-token")
    assert f" rows of the ledger of w1 were brought from {kept}" in brought.out, brought
    assert run.arrived("w1")["ledger-w1.jsonl"] == own["ledger-w1.jsonl"][: own["ledger-w1.jsonl"].rfind(b"\n") + 1]


def test_when_the_run_is_interrupted_workers_elsewhere_still_say_their_last_words(near: Path, prometheus: str) -> None:
    with far(near, prometheus) as run:
        run.played.wait_for_parts()
        before = run.played.listing()
        os.kill(run.played.peak.process.pid, signal.SIGINT)
        assert run.played.peak.ended() == 75, run.played.peak.told()
        assert [worker.wait(30) for worker in run.workers] == [75, 75]
    document = check_whole(run.played, before)
    assert document["ended"] == "stopped"
    assert document["account"]["lost"] == {}
    assert document["account"]["not_due"] > 0
    for name in ("w0", "w1"):
        assert run.arrived(name) == run.own(name)
    assert {run.played.worker(name)["ended"] for name in ("w0", "w1")} == {"stopped"}


def test_one_worker_on_the_shared_path_and_one_elsewhere_play_one_run(near: Path, prometheus: str) -> None:
    with ExitStack() as stack:
        played, address = stack.enter_context(master(near, prometheus))
        here = stack.enter_context(joining(near / "near"))
        away = stack.enter_context(far_worker(near / "far-0", address))
        run = Far(played, [near / "far-0"], [away])
        played.wait_for_parts()
        before, name = played.listing(), str(run.account(0)["name"])
        assert played.peak.ended() == 0, played.peak.told()
        assert [here.wait(30), away.wait(30)] == [0, 0]
    document = check_whole(played, before)
    assert document["account"]["completed"] == document["account"]["planned"]
    assert [one["name"] for one in document["workers"] if one["uploaded"]] == [name]
    assert [one["uploaded"] for one in document["workers"]].count(False) == 1
    assert len(run.own(name)) > 4
    assert run.arrived(name) == run.own(name)
    assert played.judged()["outcome"] == "PASS"
