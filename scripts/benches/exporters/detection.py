"""Measured against predicted time to fire: a drill of the shipped objectives and of the example exporters.yaml.

A drill plays minutes of every alert, so it is run once; its figures are one for each case of an alert.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.benches.engine.target import free_ports
from scripts.benches.exporters.bench import Bench
from scripts.benches.figures import Figure
from scripts.local_stack.processes import wait_until
from scripts.rules.stack import EXAMPLE, OBJECTIVES
from slo.outcomes import EnvironmentLacks

_INTERVALS = 2
_MOST_S = 3600
_TIMES = ("detected after", "fires after")


def measure(bench: Bench) -> Sequence[Figure]:
    """Drill every alert once; returns the largest deviation, in evaluation intervals, and how many were predicted."""
    folder = bench.folder / "drills"
    config = ["--config", str(EXAMPLE)]
    where = ["--to", str(folder), "--port-base", str(free_ports(1)[0])]
    command = [sys.executable, "-P", "-m", "scripts.cli", "drill", "alerts", str(OBJECTIVES), *config, *where]
    drill = bench.children.start("drill", command, folder=Path.cwd())
    wait_until(lambda: drill.code is not None, [], _MOST_S, "the drill")
    reports = sorted(folder.glob("*/report.json"))
    if not reports:
        raise EnvironmentLacks(f"the drill ended with {drill.code}: {drill.last_log_line()}")
    return figures(json.loads(reports[-1].read_text()))


def figures(report: Mapping[str, Any]) -> Sequence[Figure]:
    """Return the figures of a drill's report; an alert that never fired counts as one that isn't as predicted."""
    rows = [figure for alert in report["alerts"] for figure in alert["figures"] if figure["name"] in _TIMES]
    if not rows:
        raise EnvironmentLacks("the drill has no time to detect to show")
    off = [_INTERVALS * abs(row["measured_s"] - row["predicted_s"]) / row["tolerance_s"] for row in rows
           if row["measured_s"] is not None]  # fmt: skip
    right = [float(row["within"]) for row in rows]
    on = f"{len(report['alerts'])} cases of alerts, once each"
    return (
        Figure(name="times to detect and fire as predicted / all", value=sum(right) / len(right), op=">=", bound=1.0,
               runs=[sum(right) / len(right)], on=on),
        Figure(name="measured against predicted time, evaluation intervals: the worst", value=max(off, default=0.0),
               op="<=", bound=_INTERVALS, runs=sorted(off)[-5:], on=on),
    )  # fmt: skip
