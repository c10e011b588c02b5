"""The report of a run: one HTML file that opens anywhere, with no network and no script."""

from dashboards.report.comparison import write_comparison
from dashboards.report.page import write_report

__all__ = ["write_comparison", "write_report"]
