"""A standby's lag is 0 only when it is streaming and has all of it; where it isn't known there is none."""

import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.recovery.replication import archived, standby_itself, standbys_of
from exporters.subjects.recovery.values import Standby, WalArchived

ITSELF: dict[str, object] = {
    "in_recovery": True, "receiver": 7, "status": "streaming", "silence_s": 4.0, "caught_up": True, "behind_s": 900.0,
    "replayed_at_s": 1_000.0,
}  # fmt: skip
OF_PRIMARY: dict[str, object] = {"name": "s1", "state": "streaming", "lag_s": 3.5, "behind_bytes": 800.0}
ARCHIVER: dict[str, object] = {"mode": "on", "archived_at_s": 500.0, "failed_at_s": None}


@pytest.mark.parametrize(
    ("change", "streaming", "lag_s"),
    [
        ({}, True, 0.0),
        ({"caught_up": False}, True, 900.0),
        ({"caught_up": False, "behind_s": -0.5}, True, 0.0),
        ({"caught_up": False, "behind_s": None}, True, None),
        ({"caught_up": None}, True, None),
        ({"silence_s": 61.0}, False, None),
        ({"silence_s": None}, False, None),
        ({"status": "waiting"}, False, None),
        ({"receiver": None, "status": None, "silence_s": None, "caught_up": None}, False, None),
    ],
)
def test_a_standby_tells_its_own_lag(change: dict[str, object], *, streaming: bool, lag_s: float | None) -> None:
    read = standby_itself("s1", [{**ITSELF, **change}], "shop/replication/s1")
    assert read == Standby(name="s1", streaming=streaming, lag_s=lag_s, replayed_at_s=1_000.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_recovery": False}, "isn't a standby: it is not in recovery; was it promoted?"),
        ({"status": None}, "its WAL receiver is hidden from this user; grant it pg_monitor"),
        ({"behind_s": -42.0}, "a lag of -42 s: the clocks of primary and standby are apart"),
        ({"behind_s": float("nan")}, "a lag of nan s: the clocks of primary and standby are apart"),
        ({"silence_s": "soon"}, "answered str where a number is expected"),
    ],
)
def test_a_standby_that_can_t_be_right_is_unreadable(change: dict[str, object], message: str) -> None:
    with pytest.raises(Unreadable) as error:
        standby_itself("s1", [{**ITSELF, **change}], "shop/replication/s1")
    assert str(error.value) == f"shop/replication/s1: {message}"


@pytest.mark.parametrize(
    ("change", "streaming", "lag_s"),
    [
        ({}, True, 3.5),
        ({"lag_s": None, "behind_bytes": 0.0}, True, 0.0),
        ({"lag_s": None, "behind_bytes": 10.0}, True, None),
        ({"lag_s": None, "behind_bytes": None}, True, None),
        ({"state": "catchup"}, False, None),
        ({"name": "another"}, False, None),
    ],
)
def test_a_primary_tells_of_each_standby(change: dict[str, object], *, streaming: bool, lag_s: float | None) -> None:
    read = standbys_of(("s1",), [{**OF_PRIMARY, **change}], "shop/replication/all")
    assert read == (Standby(name="s1", streaming=streaming, lag_s=lag_s),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{**OF_PRIMARY, "state": None}], "its standbys are hidden from this user; grant it pg_monitor"),
        ([OF_PRIMARY, OF_PRIMARY], "has two standbys named s1; give each its own application_name"),
    ],
)
def test_a_primary_that_doesn_t_tell_is_unreadable(rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(Unreadable) as error:
        standbys_of(("s1",), rows, "shop/replication/all")
    assert str(error.value) == f"shop/replication/all: {message}"


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({}, WalArchived(at_s=500.0, failing=False)),
        ({"failed_at_s": 400.0}, WalArchived(at_s=500.0, failing=False)),
        ({"failed_at_s": 600.0}, WalArchived(at_s=500.0, failing=True)),
        ({"archived_at_s": None}, WalArchived(at_s=None, failing=False)),
        ({"archived_at_s": None, "failed_at_s": 600.0, "mode": "always"}, WalArchived(at_s=None, failing=True)),
    ],
)
def test_an_archive_is_failing_when_it_failed_since_it_last_succeeded(
    change: dict[str, object], read: WalArchived
) -> None:
    assert archived([{**ARCHIVER, **change}], "shop/wal-archive") == read


def test_a_database_that_archives_nothing_is_unreadable() -> None:
    with pytest.raises(Unreadable) as error:
        archived([{**ARCHIVER, "mode": "off"}], "shop/wal-archive")
    assert str(error.value) == "shop/wal-archive: archive_mode is off, expected on or always"
