"""The rules that Grafana's JSON schemas don't hold: each is a function from a dashboard to findings.

Those of grafana/dashboard-linter, what breaks on screen without any error (overlaps, unknown units, undefined
variables), and what PromQL answers although it can't be right: `promql/` reads every query for its labels and units.
"""

from dashboards.grafana.checks.answers import Answered, check_answers, check_run
from dashboards.grafana.checks.check import RULES, check, check_all
from dashboards.grafana.checks.finding import Finding
from dashboards.grafana.checks.units import UNITS

__all__ = ["RULES", "UNITS", "Answered", "Finding", "check", "check_all", "check_answers", "check_run"]
