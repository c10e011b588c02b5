"""A drill's report: by alert and case what was predicted and measured, as a table and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scripts.drilling.drill import Drilled
from scripts.drilling.measured import Figure, Shown
from slo.formatting import clip
from slo.rules.model import Alert
from slo.rules.names import LONG_WINDOW, OBJECTIVE

FORMAT = "peakproof/alert-drill/v1"
_FIGURES = ("detected after", "fires after", "clears after", "notified after")
_NAME, _FIGURE = 58, 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One case of one alert with all its scenes."""

    alert: Alert
    case: str
    shown: tuple[Shown, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Its figures: of each name the first."""
        by_name = {figure.name: figure for shown in reversed(self.shown) for figure in shown.figures}
        return tuple(by_name[name] for name in _FIGURES if name in by_name)

    @property
    def findings(self) -> tuple[str, ...]:
        """What is wrong with it, each once."""
        return tuple(dict.fromkeys(finding for shown in self.shown for finding in shown.findings))


def rows(drilled: Drilled) -> list[Row]:
    """Return a row for each case of an alert, and one for each scene of routing or inhibition."""
    by_case: dict[tuple[str, ...], list[Shown]] = {}
    for shown in drilled.shown:
        scene = shown.scene
        apart = scene.kind if scene.kind in ("routing", "inhibition") else ""
        by_case.setdefault((str(scene.position), scene.case.name, apart), []).append(shown)
    return [
        Row(alert=many[0].scene.alert, case=f"{case} ({apart})" if apart else case, shown=tuple(many))
        for (_, case, apart), many in by_case.items()
    ]


def table(drilled: Drilled) -> Iterator[str]:
    """Yield the lines of the table for people: measured of predicted, in seconds, then the findings."""
    all_rows = rows(drilled)
    yield f"{'alert, case':{_NAME}}" + "".join(f"{name:>{_FIGURE}}" for name in _FIGURES)
    for row in all_rows:
        by_name = {figure.name: figure for figure in row.figures}
        cells = "".join(f"{_cell(by_name.get(name)):>{_FIGURE}}" for name in _FIGURES)
        yield f"{clip(_title(row), _NAME - 1):{_NAME}}{cells}  {'FINDING' if row.findings else 'ok'}"
    for row in all_rows:
        for finding in row.findings:
            yield f"{_title(row)}: {finding}"
    wrong = sum(bool(row.findings) for row in all_rows)
    yield (
        f"{len(all_rows) - wrong} of {len(all_rows)} as predicted, in {drilled.took_s / 60:.1f} min;"
        " seconds measured / predicted, at most two evaluations apart"
    )


def document(drilled: Drilled, started: str) -> dict[str, Any]:
    """Return the report as JSON."""
    return {
        "format": FORMAT,
        "started": started,
        "took_s": round(drilled.took_s, 1),
        "outcome": "FAIL" if findings(drilled) else "PASS",
        "alerts": [_row(row) for row in rows(drilled)],
    }


def findings(drilled: Drilled) -> Sequence[str]:
    """Return every finding."""
    return [finding for shown in drilled.shown for finding in shown.findings]


def _title(row: Row) -> str:
    return f"{row.alert.name} {row.case}"


def _cell(figure: Figure | None) -> str:
    if figure is None:
        return ""
    measured = "never" if figure.measured_s is None else f"{figure.measured_s:,.0f}"
    return f"{measured} / {figure.predicted_s:,.0f}{'' if figure.is_within else ' !'}"


def _row(row: Row) -> Mapping[str, Any]:
    labels = row.alert.labels
    return {
        "alert": row.alert.name,
        "case": row.case,
        "severity": row.alert.severity,
        **{name: labels[name] for name in (OBJECTIVE, LONG_WINDOW) if name in labels},
        **({} if row.alert.exporter is None else {"exporter": row.alert.exporter}),
        "for_s": row.alert.for_s,
        "figures": [_figure(figure) for figure in row.figures],
        "findings": list(row.findings),
    }


def _figure(figure: Figure) -> Mapping[str, Any]:
    return {
        "name": figure.name,
        "predicted_s": round(figure.predicted_s, 1),
        "measured_s": None if figure.measured_s is None else round(figure.measured_s, 1),
        "tolerance_s": figure.tolerance_s,
        "within": figure.is_within,
    }
