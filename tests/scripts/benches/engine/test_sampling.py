"""A window is the difference of two readings; CPU is that of the process asked for."""

import os
import time

import pytest

from scripts.benches.engine.sampling import Moment, Window, cpu_ns, read_rss
from scripts.benches.engine.target import Status

WINDOW = Window(
    before=Moment(at_ns=10**9, cpu_ns=2 * 10**9, status=Status(active=100, accepts=200, requests=1000), rss_bytes=1),
    after=Moment(at_ns=5 * 10**9, cpu_ns=3 * 10**9, status=Status(active=100, accepts=210, requests=9000), rss_bytes=2),
)


def test_a_window_is_what_lies_between_its_moments() -> None:
    assert (WINDOW.wall_s, WINDOW.cpu_s, WINDOW.requests, WINDOW.accepts) == (4.0, 1.0, 8000, 10)


def test_cost_rate_and_share_follow_from_them() -> None:
    assert (WINDOW.cpu_us, WINDOW.rate_per_s, WINDOW.cpu_share) == (125.0, 2000.0, 0.25)


def test_the_cpu_of_a_process_is_what_that_process_says_of_itself() -> None:
    before = time.process_time_ns()
    read = cpu_ns(os.getpid())
    assert before <= read <= time.process_time_ns()


def test_the_cpu_of_a_process_that_is_gone_is_an_error() -> None:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    with pytest.raises(OSError, match=r"Invalid argument|No such process"):
        cpu_ns(pid)


def test_resident_memory_is_read_in_bytes() -> None:
    assert read_rss("Name:\tpython\nVmHWM:\t  9000 kB\nVmRSS:\t  1234 kB\n") == 1234 * 1024


def test_a_process_without_memory_has_ended() -> None:
    with pytest.raises(ValueError, match=r"^no VmRSS: the process has ended$"):
        read_rss("Name:\tpython\nState:\tZ (zombie)\n")
