"""`dashboards.html` of a run of an hour: size, time to write, time to its first chart."""

import time
from collections.abc import Sequence
from pathlib import Path

from dashboards.grafana.build import build
from dashboards.grafana.queries import panels
from dashboards.snapshot.page import NAME, render_snapshot
from scripts.benches.figures import Figure, median_figure, unbounded_figure
from scripts.benches.pages.browser import first_chart_s
from scripts.benches.pages.hour import write_hour

MOST_MB, MOST_S = 3.0, 2.0


def measure(folder: Path, repeat: int) -> Sequence[Figure]:
    """Return the figures of a snapshot of every board there is; raises EnvironmentLacks without Chromium."""
    run = folder / "hour"
    (run / "metrics").mkdir(parents=True, exist_ok=True)
    boards = build()
    series = write_hour(run / "metrics" / "dashboards.parquet", boards.values())
    drawn = [_written(run) for _ in range(repeat)]
    size_mb = (run / NAME).stat().st_size / 1e6
    count = sum(len(list(panels(one))) for one in boards.values())
    on = f"{len(boards)} boards, {count} panels, {series:,} series kept, over time or at the end"
    shown = first_chart_s(run / NAME, ".panel svg", repeat)
    return (
        median_figure("snapshot of an hour: MB", [size_mb], "<=", MOST_MB, on),
        median_figure("… its first chart in Chromium, s", shown, "<=", MOST_S, on),
        unbounded_figure("… written in, s", drawn, on),
    )


def _written(run: Path) -> float:
    began = time.monotonic()
    (run / NAME).write_text(render_snapshot(run), encoding="utf-8")
    return time.monotonic() - began
