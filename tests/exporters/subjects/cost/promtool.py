"""Writes alerts and their cases as promtool reads them: healthy for ten minutes, then the fault, then healthy again."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from slo.rules.model import Alert
from slo.rules.signals import Ago, Case, Course, Level, Signal

_STEP_S, _AFTER_S = 60, 600


def promtool_files(alerts: Sequence[Alert], folder: Path) -> str:
    """Write the rules and their test below `folder`; return the test's path."""
    rules = [{"alert": one.name, "expr": one.expr, "for": f"{one.for_s}s"} for one in alerts]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "cost", "rules": rules}]}))
    tests = [_test(alert, case) for alert in alerts for case in alert.cases]
    (folder / "test.yml").write_text(
        yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": f"{_STEP_S}s", "tests": tests})
    )
    return str(folder / "test.yml")


def _test(alert: Alert, case: Case) -> dict[str, Any]:
    begins, ends = case.healthy_s, case.healthy_s + case.fault_s
    fires = begins + case.fires_after_s
    at = {
        begins - _STEP_S: False,
        fires - _STEP_S: False,
        fires + _STEP_S: True,
        ends + case.clears_after_s + 60: False,
    }
    labels = {"environment": "production", **dict(case.labels)}
    return {
        "interval": f"{_STEP_S}s",
        "input_series": [_series(one, case) for one in case.signals],
        "alert_rule_test": [
            {
                "eval_time": f"{when:.0f}s", "alertname": alert.name,
                "exp_alerts": [{"exp_labels": labels}] if firing else [],
            }
            for when, firing in at.items()
        ],
    }  # fmt: skip


def _series(signal: Signal, case: Case) -> dict[str, str]:
    labels = ",".join(f'{name}="{value}"' for name, value in (("environment", "production"), *signal.labels))
    ends = case.healthy_s + case.fault_s
    steps = range(0, int(ends + _AFTER_S), _STEP_S)
    values = [_value(signal.faulty if case.healthy_s <= at < ends else signal.healthy, at) for at in steps]
    return {"series": f"{signal.metric}{{{labels}}}", "values": " ".join(values)}


def _value(course: Course, at: float) -> str:
    if isinstance(course, Level):
        return f"{course.value}"
    assert isinstance(course, Ago)
    return f"{at - course.seconds}"
