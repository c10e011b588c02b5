"""Writes docs/runbooks/README.md: `python -m tests.contracts.runbook_index`, after an alert or a runbook was added."""

from pathlib import Path

from tests.contracts.every_alert import ROOT, every_alert

INDEX = ROOT / "docs" / "runbooks" / "README.md"
HEAD = """\
# Runbooks

A page for each alert: what it means, a first look, likely causes, how to stop the bleeding, and how to tell that it is
over. Every alert carries the address of its page (`runbook_url`). Add `environment="production"` to a query to look at
one environment alone.

| Alerts | Page | A page or a ticket | Fed by |
|---|---|---|---|
"""


def text() -> str:
    """Return the index: a row for each runbook, in the order of the alphabet."""
    alerts = every_alert()
    rows = []
    for slug in sorted({alert.runbook for alert in alerts}):
        ours = [alert for alert in alerts if alert.runbook == slug]
        names = ", ".join(dict.fromkeys(alert.name for alert in ours))
        severities = " or ".join(sorted({alert.severity for alert in ours}))
        fed_by = ", ".join(dict.fromkeys(alert.exporter or "the shop's own metrics" for alert in ours))
        rows.append(f"| {names} | [{slug}]({slug}.md) | {severities} | {fed_by} |\n")
    return HEAD + "".join(rows)


def write(path: Path = INDEX) -> None:
    """Write the index."""
    path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
