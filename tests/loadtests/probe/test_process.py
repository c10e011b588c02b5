"""A probe's process is over when its time is, whatever the shop or the storefront does, and nothing of it stays."""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.probe.process import play_probe
from loadtests.probe.result import FailedStep
from tests.loadtests.probe.made import ANSWERS, MINE, probe_of, silent, write_shop
from tests.scripts.world import FakeShop, fake_shop
from tests.waiting import wait_for

BROOD = """\
import subprocess
from peakproof import Shop, journey


class Mine(Shop):
    @journey
    def looks(self):
        child = subprocess.Popen(["sleep", "600"], start_new_session=False)
        print("secret of the log")
        open(FILE, "w").write(str(child.pid))
        self.get("home", "/api")
"""


PROBES = """\
import sys
from pathlib import Path
from loadtests.environment.targets import read_targets
from loadtests.probe.process import play_probe
from tests.loadtests.probe.made import probe_of

folder = Path(sys.argv[1])
play_probe(probe_of(folder, read_targets(folder / "targets.yaml"), "looks"), 60.0)
"""


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop(dict(ANSWERS)) as one:
        yield one


def children() -> set[int]:
    """Return the processes that this one started and that are still there, those of other tests' fixtures too."""
    return {int(pid) for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def left() -> tuple[int, int, list[str], set[int]]:
    """Return what could leak: descriptors, threads, folders and processes."""
    folders = [path.name for path in Path(tempfile.gettempdir()).glob("peakproof-probe-*")]
    return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), sorted(folders), children()


@pytest.mark.heavy
def test_a_shop_that_hangs_is_a_failure_of_the_step_it_hangs_in_and_the_process_is_gone(tmp_path: Path) -> None:
    before = children()
    with silent() as url:
        found = play_probe(probe_of(tmp_path, write_shop(tmp_path, url), "looks"), 10.0)
    assert found.failed == FailedStep(step="home", reason="deadline", message="the probe's time is over")
    assert children() - before == set()


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("journey", "within_s", "reason"),
    [("sleeps", 8.0, "deadline"), ("loops", 8.0, "deadline"), ("loops", 40.0, "stuck"), ("sleeps", 40.0, "process")],
)
def test_code_that_never_ends_takes_no_longer_than_it_may(
    tmp_path: Path, shop: FakeShop, journey: str, within_s: float, reason: str
) -> None:
    before = children()
    found = play_probe(probe_of(tmp_path, write_shop(tmp_path, shop.url), journey), within_s)
    assert found.failed is not None
    assert (found.failed.step, found.failed.reason) == ("home", reason)
    assert found.took_s < within_s + 2
    assert children() - before == set()


@pytest.mark.heavy
def test_what_the_storefront_s_code_started_ends_with_it(tmp_path: Path, shop: FakeShop) -> None:
    pid = tmp_path / "pid"
    targets = write_shop(tmp_path, shop.url, mine=BROOD.replace("FILE", repr(str(pid))))
    assert play_probe(probe_of(tmp_path, targets, "looks"), 15.0).success is True
    status = Path("/proc") / pid.read_text() / "status"
    assert not status.exists() or "(zombie)" in status.read_text()


@pytest.mark.heavy
def test_a_time_too_short_to_begin_in_is_skipped_and_no_failure_of_the_shop(tmp_path: Path, shop: FakeShop) -> None:
    found = play_probe(probe_of(tmp_path, write_shop(tmp_path, shop.url), "looks"), 0.3)
    assert found.skipped is not None
    message = "the time was over before the first request"
    assert (found.skipped.reason, found.skipped.message, shop.asked) == ("late", message, [])


@pytest.mark.heavy
def test_targets_that_a_pipe_does_not_hold_are_given_all_the_same(tmp_path: Path, shop: FakeShop) -> None:
    fingerprint = {f"fact-{n}": "x" * 1000 for n in range(300)}
    targets = write_shop(tmp_path, shop.url, fingerprint=fingerprint)
    assert play_probe(probe_of(tmp_path, targets, "looks"), 15.0).success is True


@pytest.mark.heavy
def test_twenty_probes_leave_no_descriptor_thread_folder_or_process(tmp_path: Path, shop: FakeShop) -> None:
    targets = write_shop(tmp_path, shop.url, mine=MINE)
    play_probe(probe_of(tmp_path, targets, "looks"), 15.0)
    before = left()
    found = [play_probe(probe_of(tmp_path, targets, "looks"), 15.0).success for _ in range(20)]
    assert (found, left()) == ([True] * 20, before)


@pytest.mark.heavy
def test_a_probe_whose_exporter_is_killed_ends_and_takes_its_folder_with_it(tmp_path: Path) -> None:
    with silent() as url:
        folder, before = tmp_path / "scratch", left()
        write_shop(tmp_path, url)
        folder.mkdir()
        exporter = subprocess.Popen(
            [sys.executable, "-c", PROBES, str(tmp_path)], env={**os.environ, "TMPDIR": str(folder)}
        )
        wait_for(lambda: list(folder.glob("*/*-m-*")), "the probe under way")
        exporter.kill()
        exporter.wait()
        wait_for(lambda: list(folder.iterdir()) == [], "the folder gone")
        assert left() == before
