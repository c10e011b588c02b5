"""What objectives' recording rules and alerts are called: Prometheus' level:metric:operations, in one place."""

from slo.rules.promql import duration

OBJECTIVE, SERVICE, SEVERITY, CAUSE = "objective", "service", "severity", "cause"
LONG_WINDOW, SHORT_WINDOW = "long_window", "short_window"

BURN = "ErrorBudgetBurn"
SCRAPE_DOWN, SERIES_MISSING, NO_TRAFFIC = "ObjectiveScrapeDown", "ObjectiveSeriesMissing", "ObjectiveNoTraffic"
BURN_RUNBOOK, NO_DATA_RUNBOOK = "error-budget-burn", "slo-no-data"

TARGET = "objective:target:ratio"
PERIOD = "objective:period:seconds"
REMAINING = "objective:error_budget:remaining_ratio"


def good_events(window_s: int) -> str:
    """Return the name of good events a second over a window."""
    return f"objective:good_events:rate{duration(window_s)}"


def events(window_s: int) -> str:
    """Return the name of events a second over a window."""
    return f"objective:events:rate{duration(window_s)}"


def counted(window_s: int) -> str:
    """Return the name of how many events were counted in a window."""
    return f"objective:events:increase{duration(window_s)}"


def coverage(window_s: int) -> str:
    """Return the name of the share of a window for which events were counted."""
    return f"objective:events:coverage_ratio{duration(window_s)}"


def error_ratio(window_s: int) -> str:
    """Return the name of the share of a window's events that are bad."""
    return f"objective:errors:ratio_rate{duration(window_s)}"


def burn_rate(window_s: int) -> str:
    """Return the name of how fast the error budget was spent in a window."""
    return f"objective:error_budget:burn_rate{duration(window_s)}"
