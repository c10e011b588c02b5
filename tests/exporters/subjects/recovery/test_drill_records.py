"""Records of restore drills: strict, one a line."""

import json
from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.recovery.drill_records import read_drills
from exporters.subjects.recovery.values import Drill
from tests.exporters.subjects.reading import NOW_S

RECORD: dict[str, object] = {
    "format": "peakproof/restore-drill/v1", "system": "shop-database", "backup": "shop-20261128.dump",
    "started_at": "2026-11-28T09:00:00Z", "ended_at": "2026-11-28T10:41:10+01:00", "outcome": "restored",
    "rows_compared": 182_340, "rows_differed": 0,
}  # fmt: skip
DRILL = Drill(
    ended_at_s=1_795_858_870.0, duration_s=2470.0, restored=True, rows_compared=182_340, rows_differed=0
)  # fmt: skip


def drills(folder: Path, *records: dict[str, object], system: str = "shop-database") -> tuple[Drill, ...]:
    path = folder / "drills.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return read_drills(path, system, NOW_S).drills


def test_a_drill_is_read_with_its_zones(tmp_path: Path) -> None:
    assert drills(tmp_path, RECORD) == (DRILL,)


def test_drills_stand_in_order_of_time_and_those_of_other_systems_are_left_out(tmp_path: Path) -> None:
    earlier = {**RECORD, "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T01:00:00Z", "outcome": "failed"}
    found = drills(tmp_path, RECORD, {**RECORD, "system": "warehouse"}, earlier)
    assert [one.restored for one in found] == [False, True]
    assert drills(tmp_path, RECORD, system="warehouse") == ()


@pytest.mark.parametrize(
    ("restored", "compared", "differed", "proved"),
    [(True, 10, 0, True), (False, 10, 0, False), (True, 0, 0, False), (True, 10, 1, False)],
)
def test_a_drill_proves_something_only_when_rows_came_back_and_none_differed(
    *, restored: bool, compared: int, differed: int, proved: bool
) -> None:
    drill = Drill(ended_at_s=0, duration_s=1, restored=restored, rows_compared=compared, rows_differed=differed)
    assert drill.proved is proved


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "v2"}, "format: Input should be 'peakproof/restore-drill/v1', found 'v2'"),
        ({"rows": 1}, "rows: unknown key"),
        ({"outcome": "ok"}, "outcome: Input should be 'restored' or 'failed', found 'ok'"),
        ({"rows_differed": -1}, "rows_differed: Input should be greater than or equal to 0, found -1"),
        ({"rows_compared": float("nan")}, "rows_compared: Input should be a finite number, found nan"),
        ({"started_at": 17}, "started_at: expected a time in RFC 3339, such as 2026-11-28T09:00:00Z, found 17"),
        ({"started_at": "2026-11-28T09:00"}, "started_at: Input should have timezone info, found '2026-11-28T09:00'"),
        (
            {"ended_at": "2027-01-01T00:00:00Z", "started_at": "2027-01-01T00:00:00Z"},
            "ended_at: lies 2761600 s ahead, allowed are 300",
        ),
    ],
)
def test_a_record_that_isnt_one_makes_all_unreadable(change: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as error:
        drills(tmp_path, RECORD, {**RECORD, **change})
    assert str(error.value) == f"{tmp_path}/drills.jsonl:2: {message}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ended_at": "2026-11-28T08:00:00Z"}, "ended_at must not lie before started_at"),
        ({"started_at": "2026-01-28T08:00:00Z"}, "a drill takes at most 30 days"),
        ({"rows_differed": 182_341}, "rows_differed must not be more than rows_compared"),
    ],
)
def test_a_drill_that_can_t_have_been_is_refused(change: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as error:
        drills(tmp_path, {**RECORD, **change})
    assert f"{tmp_path}/drills.jsonl:1: the top: {message}, found " in str(error.value)
