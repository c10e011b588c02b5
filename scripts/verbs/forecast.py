"""`peakproof forecast`: from last seasons' hourly orders to this year's peak hour."""

import argparse
from pathlib import Path

from loadtests.demand.forecast import Forecast, forecast
from loadtests.demand.history import read_history
from loadtests.demand.season import parse_season
from scripts.arguments import write_given
from scripts.context import Context
from slo.outcomes import ExitCode

SUMMARY = "forecast this year's peak hour from an hourly order history"
EXAMPLE = "peakproof forecast orders.csv --to forecast.json"


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.add_argument(
        "history", type=Path, metavar="HISTORY", help="CSV file with the columns hour, orders and, if counted, sessions"
    )
    parser.add_argument(
        "--season",
        nargs=2,
        metavar=("FIRST", "LAST"),
        default=("11-01", "12-24"),
        help="its first and last day, month-day (default 11-01 12-24)",
    )
    parser.add_argument("--to", type=Path, default=Path("forecast.json"), metavar="FILE", help="default: forecast.json")


def run(options: argparse.Namespace, context: Context) -> ExitCode:
    """Write the forecast and say it; raises BadInput."""
    made = forecast(read_history(options.history), parse_season(*options.season))
    write_given(options.to, made.to_json().encode())
    context.say(
        f"peak hour of season {made.year}: {made.mid_orders_per_hour:,.0f} orders"
        f" (5 % to 95 %: {made.low_orders_per_hour:,.0f} to {made.high_orders_per_hour:,.0f})"
    )
    context.say(f"  {_orders_per_session(made)}")
    for note in made.notes:
        context.say(f"  {note}")
    context.say(str(options.to))
    return ExitCode.OK


def _orders_per_session(made: Forecast) -> str:
    counted = made.orders_per_session
    if counted is None:
        return "orders per session: unknown, as the busy hours have no sessions; plan build needs --orders-per-session"
    return (
        f"orders per session: {counted.ratio:.4g}, of {counted.orders:,} orders"
        f" in {counted.sessions:,} sessions of the {counted.hours:,} busiest hours"
    )
