"""The page a run leaves behind: one file that opens anywhere, with no network and no script."""

from dashboards.report.page import write_report

__all__ = ["write_report"]
