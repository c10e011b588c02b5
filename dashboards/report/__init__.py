"""The report of a run: one HTML file that opens anywhere, with no network and no script."""

from dashboards.report.comparison import write_comparison, write_comparison_of
from dashboards.report.page import render, write_page, write_report
from dashboards.report.run_files import read

__all__ = ["read", "render", "write_comparison", "write_comparison_of", "write_page", "write_report"]
