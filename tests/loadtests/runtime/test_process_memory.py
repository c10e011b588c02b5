"""A process's peak of memory is its own, whoever started it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.runtime import process_memory
from loadtests.runtime.process_memory import peak_rss_bytes, peak_rss_bytes_of

ROOT = Path(__file__).parents[3]
SMALL = "from loadtests.runtime.process_memory import peak_rss_bytes\nprint(peak_rss_bytes())"
# It takes 200 MB, gives them back, and starts the small one.
LARGE = f"""
import subprocess, sys
held = bytes([1]) * 200_000_000
del held
subprocess.run([sys.executable, "-c", {SMALL!r}])
"""


def test_what_is_taken_counts_also_when_it_was_given_back() -> None:
    held = b"\1" * 50_000_000
    del held
    assert peak_rss_bytes() > 50_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux' /proc tells a program's own peak")
def test_a_small_process_that_a_large_one_started_is_small() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 1_000_000 < int(done.stdout) < 150_000_000


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux' /proc tells of other processes")
def test_another_process_is_told_by_its_number() -> None:
    assert peak_rss_bytes_of(os.getpid()) == pytest.approx(peak_rss_bytes(), rel=0.1)


def test_without_proc_it_is_what_getrusage_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(process_memory, "_STATUS", f"{tmp_path}/{{}}/status")
    assert peak_rss_bytes() > 1_000_000
    with pytest.raises(OSError, match="No such file"):
        peak_rss_bytes_of(1)
