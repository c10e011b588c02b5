"""The report of a run: one HTML file that opens anywhere, with no network and no script."""

from dashboards.report.comparison import write_comparison, write_comparison_of
from dashboards.report.page import write_page, write_report

__all__ = ["write_comparison", "write_comparison_of", "write_page", "write_report"]
