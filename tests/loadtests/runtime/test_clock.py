"""A run's clock agrees with the wall when it starts and never goes back."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.runtime import clock as clock_module
from loadtests.runtime.clock import Clock, since_boot
from slo.boot_time import BootTime


def test_it_starts_at_the_wall_s_time() -> None:
    before = time.time_ns()
    now = Clock.start().now()
    assert before - 1_000_000 <= now <= time.time_ns() + 1_000_000


def test_it_never_goes_back() -> None:
    clock = Clock.start()
    times = [clock.now() for _ in range(1000)]
    assert times == sorted(times)


def test_a_wall_clock_that_is_set_back_does_not_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock.start()
    before = clock.now()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.now() >= before


@given(set_by_s=st.floats(-1e6, 1e6))
def test_by_how_much_the_wall_clock_was_set_is_known_and_the_time_since_the_machine_s_start_goes_on(
    set_by_s: float,
) -> None:
    clock, real, before = Clock.start(), time.time_ns, since_boot()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: real() + round(set_by_s * 1e9))
        assert abs(clock.step_s() - set_by_s) < 0.5
        after = since_boot()
    assert (before.ns_before(after) or 0) >= 0
    assert after.boot == before.boot


@pytest.mark.skipif(sys.platform != "linux", reason="other systems don't tell of a machine's start")
def test_two_processes_of_one_machine_have_one_start_of_it() -> None:
    code = "from loadtests.runtime.clock import since_boot; print(since_boot().model_dump_json())"
    before = since_boot()
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    apart_ns = before.ns_before(BootTime.model_validate_json(done.stdout))
    assert apart_ns is not None
    assert 0 < apart_ns < 60_000_000_000


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no time namespaces")
def test_a_container_with_a_time_of_its_own_is_another_start_of_the_machine() -> None:
    code = "from loadtests.runtime.clock import since_boot; print(since_boot().model_dump_json())"
    command = ["unshare", "--time", "--boottime", "-1", "--fork", sys.executable, "-P", "-c", code]
    before = since_boot()
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip(f"this process may make no time namespace: {done.stderr.strip()[:100]}")
    inside = BootTime.model_validate_json(done.stdout)
    assert (inside.boot is None, inside.boot == before.boot, before.ns_before(inside)) == (False, False, None)


@pytest.mark.parametrize(
    ("boottime", "children", "start"),
    [
        ("0 0", "time:[1]", "the machine's"),
        ("-86400 0", "time:[1]", "another"),
        ("0 5", "time:[1]", "another"),
        ("0 0", "time:[2]", "unknown"),
    ],
)
def test_a_start_is_the_machines_own_where_no_time_namespace_shifts_it_and_unknown_between_two(
    boottime: str, children: str, start: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "_PROCESS", tmp_path)
    (tmp_path / "ns").mkdir()
    machines = since_boot().boot  # of a kernel without time namespaces
    (tmp_path / "timens_offsets").write_text(f"monotonic 3 0\nboottime {boottime}\n")
    (tmp_path / "ns" / "time").symlink_to("time:[1]")
    (tmp_path / "ns" / "time_for_children").symlink_to(children)
    found = since_boot().boot
    assert {machines: "the machine's", None: "unknown"}.get(found, "another") == start
