"""The benchmark of pages measures whole pages, and says what it couldn't measure."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from dashboards.grafana.archive import answers
from dashboards.grafana.build import build
from dashboards.grafana.queries import expressions
from dashboards.stored_answers import stored_rows
from scripts.benches.figures import Figure
from scripts.benches.pages import __main__ as command
from scripts.benches.pages.hour import write_hour
from scripts.benches.pages.snapshot import measure
from scripts.local_stack.prometheus import MOST_SERIES
from slo.outcomes import EnvironmentLacks


def test_the_hour_has_an_answer_to_every_query_of_a_board(tmp_path: Path) -> None:
    board = build()["traces"]
    count = write_hour(tmp_path / "hour.parquet", [board])
    rows = stored_rows(tmp_path / "hour.parquet")
    assert count == len(rows)
    per_query = [len(list(answers(target, rows))) for _, target in expressions(board)]
    assert min(per_query) >= 1
    assert 1 < max(per_query) <= MOST_SERIES
    assert {len(row["at"]) for row in rows} == {1, 361}


def test_what_can_not_be_measured_is_said_and_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks(_folder: Path, _repeat: int) -> Sequence[Figure]:
        raise EnvironmentLacks("no chromium on this machine")

    def misses(_folder: Path, _repeat: int) -> Sequence[Figure]:
        return [Figure(name="size", value=4, op="<=", bound=3, runs=(4,), on="")]

    monkeypatch.setattr(command, "MEASUREMENTS", {"gone": lacks})
    assert command.main(["--folder", str(tmp_path)]) == 75
    monkeypatch.setattr(command, "MEASUREMENTS", {"gone": lacks, "large": misses})
    assert command.main(["--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "missed: size: 4, must be <= 3\nnot measured: gone: no chromium on this machine\n" in said
    assert json.loads((tmp_path / "pages.json").read_text())["figures"][0]["value"] == 4


@pytest.mark.heavy
def test_a_snapshot_of_an_hour_opens_in_chromium(tmp_path: Path) -> None:
    try:
        figures = measure(tmp_path, 1)
    except EnvironmentLacks as error:
        pytest.skip(str(error))
    assert [figure.holds for figure in figures] == [True] * 3
