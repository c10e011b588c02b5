"""The report of a run: one HTML file that opens anywhere, with no network and no script."""

from dashboards.report.page import write_report

__all__ = ["write_report"]
