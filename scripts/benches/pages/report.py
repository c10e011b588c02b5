"""`report.html` of an hour with five million requests: its size, what writing it takes, when its first chart stands."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from dashboards.grafana.build import build
from dashboards.grafana.queries import queries
from scripts.benches.figures import Figure, median_figure, unbounded_figure
from scripts.benches.pages.browser import first_chart_s
from scripts.benches.pages.busy_hour import write_hour

MOST_MB, MOST_S = 3.0, 2.0
REQUESTS = 5_000_000
_CHART = "figure svg"
# In a process of its own: a peak of memory is the whole process's.
_WRITE = """
import json, sys, time
from pathlib import Path
from dashboards.report import write_report
from loadtests.runtime.process_memory import peak_rss_bytes
began = time.monotonic()
write_report(Path(sys.argv[1]))
print(json.dumps([time.monotonic() - began, time.process_time(), peak_rss_bytes() / (1 << 20)]))
"""


def measure(folder: Path, repeat: int, requests: int = REQUESTS) -> Sequence[Figure]:
    """Return the figures of the report; raises EnvironmentLacks without Chromium."""
    run = folder / "20261127T120000Z-busy-hour-0007"
    write_hour(run, requests, queries(build()["peak-run"]))
    written = [_written(run) for _ in range(repeat)]
    page = run / "report.html"
    on = f"{requests:,} requests in 1 h, {requests // 5:,} orders"
    shown = first_chart_s(page, _CHART, repeat)
    phone = first_chart_s(page, _CHART, repeat, width=390, height=844)
    return (
        median_figure("report of an hour: MB", [page.stat().st_size / 1e6], "<=", MOST_MB, on),
        median_figure("… its first chart in Chromium, s", shown, "<=", MOST_S, on),
        median_figure("… on a phone's width, s", phone, "<=", MOST_S, on),
        unbounded_figure("… written in, s", [one[0] for one in written], on),
        unbounded_figure("… of CPU, s", [one[1] for one in written], on),
        unbounded_figure("… with at most, MiB", [one[2] for one in written], on),
    )


def _written(run: Path) -> tuple[float, float, float]:
    """Return the seconds that writing took, those of CPU, and the most memory of its process in MiB."""
    done = subprocess.run([sys.executable, "-P", "-c", _WRITE, str(run)], capture_output=True, check=True, text=True)
    took_s, cpu_s, most_mib = map(float, json.loads(done.stdout))
    return took_s, cpu_s, most_mib
