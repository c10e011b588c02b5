"""What a test cost is the tagged resources' cost while it ran: the bill's figure, or an estimate that says so."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from exporters.serving.source import Unreadable
from exporters.subjects.cost.run_windows import RunWindow, run_cost, run_windows

DAY = datetime(2026, 11, 10, tzinfo=UTC)
COMPLETE = [date(2026, 11, 1) + timedelta(days=n) for n in range(14)]
# 2.4 a day until the 13th, and another 10 in the hour from 9 to 10 on the 10th.
HOURS = {datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=n): 0.1 for n in range(14 * 24)}
HOURS[DAY + timedelta(hours=9)] = 10.1
NAME = "20261110T093000Z-peak-ab12"


def window(starts_at: datetime, hours: float) -> RunWindow:
    return RunWindow(run=NAME, starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours))


def test_a_run_whose_days_have_come_in_costs_what_its_hours_cost() -> None:
    found = run_cost(window(DAY + timedelta(hours=9.5), 2), HOURS, COMPLETE)
    assert found is not None
    assert found.is_billed
    assert found.cost == pytest.approx(5.05 + 0.1 + 0.05)


def test_until_then_it_is_an_estimate_at_the_mean_hour_of_a_week() -> None:
    found = run_cost(window(datetime(2026, 11, 15, 1, tzinfo=UTC), 3), HOURS, COMPLETE)
    assert found is not None
    assert (found.run, found.is_billed) == (NAME, False)
    assert found.cost == pytest.approx(3 * (168 * 0.1 + 10) / 168)


def test_a_run_before_the_bill_or_without_tagged_resources_has_no_cost() -> None:
    assert run_cost(window(datetime(2026, 10, 31, 23, tzinfo=UTC), 3), HOURS, COMPLETE) is None
    assert run_cost(window(DAY, 3), {}, COMPLETE) is None
    assert run_cost(window(datetime(2026, 11, 15, tzinfo=UTC), 3), {}, COMPLETE) is None
    assert run_cost(window(datetime(2026, 11, 15, tzinfo=UTC), 3), HOURS, []) is None


def write_run(runs: Path, name: str, text: str | None = None, **changed: object) -> None:
    (runs / name).mkdir(parents=True)
    begun = round(DAY.timestamp() * 1e9)
    document = {"environment": {"name": "staging"}, "started_at": begun, "ended_at": begun + 3_600_000_000_000}
    (runs / name / "run.json").write_text(text or json.dumps({**document, **changed}))


def test_only_runs_on_the_environment_that_ended_count(tmp_path: Path) -> None:
    write_run(tmp_path, "20261110T000000Z-peak-0001")
    write_run(tmp_path, "20261110T000000Z-peak-0002", environment={"name": "other"})
    write_run(tmp_path, "20261110T000000Z-peak-0003", ended_at=None)
    write_run(tmp_path, "20261110T000000Z-peak-0004", text="{broken")
    write_run(tmp_path, "20261110T000000Z-peak-0005", ended_at=0)
    write_run(tmp_path, "not-a-run")
    (found,) = run_windows(tmp_path, "staging")
    assert (found.run, found.starts_at, found.hours) == ("20261110T000000Z-peak-0001", DAY, 1)


def test_the_newest_twenty_runs_have_a_series(tmp_path: Path) -> None:
    for number in range(25):
        write_run(tmp_path, f"20261110T0000{number:02}Z-peak-0001")
    found = run_windows(tmp_path, "staging")
    assert len(found) == 20
    assert found[0].run.startswith("20261110T000024Z")


def test_a_folder_of_runs_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as refused:
        run_windows(tmp_path / "runs", "staging")
    assert str(refused.value) == f"{tmp_path / 'runs'}: can't be read: No such file or directory"
