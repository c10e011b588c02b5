"""A probe's process is over when its time is, whatever the shop or the storefront does, and nothing of it stays."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
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


@pytest.fixture
def shop() -> Iterator[FakeShop]:
    with fake_shop(dict(ANSWERS)) as one:
        yield one


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that probes have theirs in, in which nobody else has one."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def processes_in(folder: Path) -> list[str]:
    """Return the processes whose variables name the folder, as a probe's do and those of what it started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended, or is another user's
            if os.fsencode(folder) in path.read_bytes():
                found.append(path.parent.name)
    return found


def probing(folder: Path, scratch: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start a process that plays probes of the journey `looks` with folders in `scratch`."""
    command = [sys.executable, "-m", "tests.children.left_by_probes", str(folder), "looks", *arguments]
    return subprocess.Popen(command, env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.PIPE, text=True)


@pytest.mark.heavy
def test_a_shop_that_hangs_is_a_failure_of_the_step_it_hangs_in_and_the_process_is_gone(
    tmp_path: Path, scratch: Path
) -> None:
    with silent() as url:
        found = play_probe(probe_of(tmp_path, write_shop(tmp_path, url), "looks"), 10.0)
    assert found.failed == FailedStep(step="home", reason="deadline", message="the probe's time is over")
    assert processes_in(scratch) == []


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("journey", "within_s", "reason"),
    [("sleeps", 8.0, "deadline"), ("loops", 8.0, "deadline"), ("loops", 40.0, "stuck"), ("sleeps", 40.0, "process")],
)
def test_code_that_never_ends_takes_no_longer_than_it_may(
    tmp_path: Path, shop: FakeShop, scratch: Path, journey: str, within_s: float, reason: str
) -> None:
    found = play_probe(probe_of(tmp_path, write_shop(tmp_path, shop.url), journey), within_s)
    assert found.failed is not None
    assert (found.failed.step, found.failed.reason) == ("home", reason)
    assert found.took_s < within_s + 10
    assert processes_in(scratch) == []


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
def test_each_probe_leaves_no_descriptor_thread_file_or_process(tmp_path: Path, shop: FakeShop, scratch: Path) -> None:
    """In a process that does nothing else: what other tests begin and end meanwhile is none of it."""
    write_shop(tmp_path, shop.url, mine=MINE)
    with probing(tmp_path, scratch, "6", "60") as exporter:
        told, _ = exporter.communicate()
    first, *rest = [json.loads(line) for line in told.splitlines()]
    assert (first["success"], first["children"], first["files"]) == (True, [], [])
    assert rest == [first] * 5  # the first one opens what stays open
    assert processes_in(scratch) == []


@pytest.mark.heavy
def test_a_probe_whose_exporter_is_killed_ends_and_takes_its_folder_with_it(tmp_path: Path, scratch: Path) -> None:
    with silent() as url:
        write_shop(tmp_path, url)
        with probing(tmp_path, scratch, "1", "60") as exporter:
            wait_for(lambda: list(scratch.glob("*/*-m-*")), "the probe under way")
            assert len(processes_in(scratch)) == 2
            exporter.kill()
        wait_for(lambda: processes_in(scratch) == [], "the probe's process gone")
        assert list(scratch.iterdir()) == []
