"""The hour that the report is measured on is a whole run: the report reads all of it."""

from pathlib import Path

from dashboards.report import write_report
from dashboards.report.run_files import read
from scripts.benches.pages.busy_hour import STEPS, write_hour
from tests.dashboards.page import read_page


def test_the_made_up_hour_has_every_request_and_order_it_was_asked_for(tmp_path: Path) -> None:
    write_hour(tmp_path / "hour", 4_000, ["up"])
    reading = read(tmp_path / "hour")
    assert [gap.file for gap in reading.gaps] == ["audit.json"]
    text = read_page(write_report(tmp_path / "hour")).text
    assert "Load delivered 100 % 800 of 800 sessions" in text
    assert "Orders accepted 760 40 refused, 0 unknown" in text
    felt = text[text.index("Each step over time") : text.index("Waiting over time, by objective")]
    assert [step for step in STEPS if f" {step} slowest from " not in felt] == []
    assert "Missing from this page audit.json is not there" in text
