"""The benchmark of the exporters measures what it says, and says what it couldn't measure."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from scripts.benches.exporters import __main__ as command
from scripts.benches.exporters.bench import Bench
from scripts.benches.exporters.detection import figures
from scripts.benches.exporters.exposition import check
from scripts.benches.exporters.hanging import measure
from scripts.benches.exporters.series import Stock, all_others, some_others
from scripts.benches.figures import Figure, median_figure
from scripts.local_stack.processes import Children
from slo.outcomes import EnvironmentLacks


def test_a_figure_whose_sides_differ_is_no_figure() -> None:
    check(b"b 1\na 1\n", b"a 1\nb 1\n")
    with pytest.raises(EnvironmentLacks, match=r"^the two expositions differ: no figure of theirs means anything$"):
        check(b"a 1\n", b"a 2\n")


def test_as_many_values_change_as_are_said_to() -> None:
    chance, values = np.random.default_rng(1), np.zeros(1000)
    assert int((all_others(values, chance) != values).sum()) == 1000
    assert int((some_others(values, 0.05, chance) != values).sum()) == 50


def test_both_sides_hold_the_same_samples() -> None:
    stock, values = Stock.of(50), np.arange(50.0)
    assert stock.ours(values).samples == stock.prometheus_clients(values).samples


def test_a_source_that_hangs_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.benches.exporters.hanging._TIMEOUT_S", 1.0)
    took, right = measure(Bench(repeat=1, folder=tmp_path, children=Children(tmp_path)))
    assert (took.bound, right.value) == (1.0, 1.0)


def test_what_can_not_be_measured_keeps_the_rest_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacks(_: Bench) -> Sequence[Figure]:
        raise EnvironmentLacks("no PostgreSQL on this machine")

    monkeypatch.setattr(
        command,
        "MEASUREMENTS",
        {"gone": lacks, "there": lambda _: [median_figure("a ratio", [1.0, 3.0], "<=", 2.0, "")]},
    )
    assert command.main(["--repeat", "1", "--folder", str(tmp_path)]) == 75
    assert "not measured: gone: no PostgreSQL on this machine\n" in capsys.readouterr().out
    written = json.loads((tmp_path / "exporters.json").read_text())
    assert [(figure["name"], figure["value"]) for figure in written["figures"]] == [("a ratio", 2.0)]


def test_an_alert_that_never_fired_is_not_as_predicted() -> None:
    def row(measured: float | None, within: bool) -> dict[str, object]:  # noqa: FBT001 - as the report has it
        return {"name": "fires after", "predicted_s": 60, "measured_s": measured, "tolerance_s": 30, "within": within}

    report = {"alerts": [{"figures": [row(75, within=True), row(None, within=False)]}]}
    ratio, worst = figures(report)
    assert (ratio.value, ratio.holds, worst.value, worst.holds) == (0.5, False, 1.0, True)
    with pytest.raises(EnvironmentLacks, match=r"^the drill has no time to detect to show$"):
        figures({"alerts": []})
