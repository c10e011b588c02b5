"""One machine has so many local ports, and each is held for a minute."""

from pathlib import Path

import pytest

from loadtests.runtime.resource_limits import hint


@pytest.fixture
def range_file(tmp_path: Path) -> Path:
    path = tmp_path / "ip_local_port_range"
    path.write_text("32768\t60999\n")
    return path


def test_more_connections_than_ports_are_hinted_at(range_file: Path) -> None:
    assert hint(470.5, 1, range_file) is None
    assert hint(900, 2, range_file) is None
    assert hint(500, 1, range_file) == (
        "up to 500 connections a second from one machine: its 28,232 local ports bear about 471;"
        " widen net.ipv4.ip_local_port_range, or use workers on several machines"
    )


def test_where_the_system_does_not_tell_nothing_is_hinted_at(tmp_path: Path, range_file: Path) -> None:
    assert hint(1e9, 1, tmp_path / "missing") is None
    range_file.write_text("what")
    assert hint(1e9, 1, range_file) is None
