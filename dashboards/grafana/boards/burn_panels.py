"""How fast error budgets are spent: a panel for each pair of windows that an alert compares, and what follows from it.

Windows and shares are `slo.burn_rates`'; the period of a budget is recorded beside the objective's target.
"""

from collections.abc import Callable

from dashboards.grafana.links import Link
from dashboards.grafana.panels import Panel, Query, Row
from dashboards.grafana.promql import at, greatest, least
from dashboards.grafana.style import BAD, GOOD, WARN, Step, Thresholds, bad_from
from slo.burn_rates import DAY_S, HOUR_S, WINDOWS, Window
from slo.rules import names
from slo.rules.promql import duration, number

OBJECTIVE = f'{names.OBJECTIVE}=~"$objective"'
CHOSEN = (names.OBJECTIVE, "environment")
BY = ("environment", names.SERVICE, names.OBJECTIVE)
# Stands for never where a table has words for it: longer than any period.
NEVER_S = 1000 * DAY_S
NEVER = "never at this burn"
# What colours and dashed lines are drawn for: the period of the objectives that are shipped.
USUAL_PERIOD_S = 28 * DAY_S
_FASTEST, _SLOWEST = WINDOWS[0], WINDOWS[-1]
PAGE_FACTOR = _FASTEST.factor(USUAL_PERIOD_S)
BURNING = bad_from(PAGE_FACTOR, warn=1)
EXHAUSTED = Thresholds(
    steps=(
        Step(value=None, colour=BAD),
        Step(value=USUAL_PERIOD_S / WINDOWS[1].factor(USUAL_PERIOD_S), colour=WARN),
        Step(value=USUAL_PERIOD_S, colour=GOOD),
    ),
    drawn=True,
)


def of(metric: str, *matchers: str) -> str:
    """Return the chosen objectives' series of a recording rule."""
    return at(metric, OBJECTIVE, *matchers)


def exhausted_in(series: Callable[[str], str], never: str, *by: str) -> str:
    """Return in how many seconds the budget of `series` is used up if the last hour's burn goes on.

    What is left of it is spent at the burn rate. 0 where it is used up already, `never` where it lasts for its period
    or longer: by then the errors of before have left the period, so that it lasts for ever. No value where the last
    hour had no events: nobody knows.
    """
    left, period = least(series(names.REMAINING), *by), greatest(series(names.PERIOD), *by)
    burn = greatest(series(names.burn_rate(HOUR_S)), *by)
    some = f"({left} > 0)"
    runs_out, lasts = f"{some} * {period} / ({burn} > {left})", f"({never} and {burn} <= {some})"
    return f"{runs_out} or {lasts} or (0 * {period} and {left} <= 0)"


def alerts_from(window: Window) -> str:
    """Return the burn rate above which the alert of a pair of windows fires, for the objective that is first."""
    factor = f"{window.share} * {least(of(names.PERIOD))} / {window.long_s}"
    return f"clamp_min({factor}, 1)"


def _burn(window: Window) -> Panel:
    long, short = duration(window.long_s), duration(window.short_s)
    factor = window.factor(USUAL_PERIOD_S)
    return Panel(
        title=f"{window.severity.capitalize()}: burn over {long} and {short}",
        description="Multiples of the rate that uses the budget up over its period. The alert fires when both "
        f"windows are above {number(round(factor, 2))} (period of 28 d; the line is that of the shortest period "
        f"chosen): {window.share:.0%} of the budget is spent in {long}, and errors go on.",
        unit="short",
        decimals=1,
        thresholds=bad_from(factor),
        queries=[
            *(
                Query(
                    expr=greatest(of(names.burn_rate(window_s)), *CHOSEN),
                    legend=f"{{{{objective}}}} {{{{environment}}}} {duration(window_s)}",
                )
                for window_s in (window.long_s, window.short_s)
            ),
            Query(expr=alerts_from(window), legend="fires above"),
        ],
        links=[Link(title="Incident", board="incident")],
    )


BURN_ROWS = (
    Row(title="Burn rate: what pages", panels=[_burn(one) for one in WINDOWS if one.severity == "page"]),
    Row(title="Burn rate: what opens a ticket", panels=[_burn(one) for one in WINDOWS if one.severity == "ticket"]),
)
